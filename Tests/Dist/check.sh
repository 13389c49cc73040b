#!/bin/bash
# What `make dist` made, in a Debian that has nothing but libc and liblmdb: Tests/Dist/check.sh FOLDER
# It must need no other library, and give what the program gives here, from events to a proof.
set -euo pipefail
dist=$1
root=.build/bare-debian
if [ ! -e $root/ready ]; then
  command -v debootstrap >/dev/null || { $SUDO apt-get update -qq; $SUDO apt-get install -y -qq debootstrap >/dev/null; }
  mirror=$(grep -rhE '^(URIs:|deb )' /etc/apt/sources.list* | grep -om1 'https\?://[^ ]*/debian\b')
  $SUDO rm -rf $root
  $SUDO debootstrap --variant=minbase --include=liblmdb0 "$(. /etc/os-release; echo "$VERSION_CODENAME")" $root "$mirror" >/dev/null
  $SUDO touch $root/ready
fi
$SUDO rm -rf $root/opt/clm-replay $root/work
$SUDO mkdir $root/work
$SUDO cp -r "$dist" $root/opt/clm-replay
$SUDO cp fixtures/shop.ndjson.gz fixtures/rules/retail.yaml $root/work/

fail() { echo "check-dist: $*" >&2; exit 1; }
bare() { $SUDO chroot $root /usr/bin/env -i PATH=/usr/bin:/bin:/opt/clm-replay/bin sh -c "set -e; cd /work; $1"; }

# Without /proc Swift does not know what was asked.
[ "$(bare 'set +e; clm-replay --version >/dev/null 2>&1; echo $?' || true)" = 2 ] || fail "says nothing where /proc is missing"
$SUDO mount -t proc proc $root/proc
here=$(mktemp -d)
trap '$SUDO umount $root/proc; rm -rf "$here"' EXIT

libraries=$(bare 'ldd /opt/clm-replay/bin/clm-replay' | awk '{ print $1 }' | sed 's#.*/##' | sort | tr '\n' ' ')
for library in $libraries; do
  case $library in
    linux-vdso.so.1 | ld-linux-*.so.* | libc.so.6 | libm.so.6 | libpthread.so.0 | libdl.so.2 | liblmdb.so.0) ;;
    *) fail "needs $library" ;;
  esac
done

# The same lines there and here: a gzip file (zlib), fits and JSON, a database (SQLite), hashes and signatures (OpenSSL), a page.
lines='
  clm-replay import store shop.ndjson.gz -q
  clm-replay replay store --rules retail.yaml -q
  clm-replay export store --table customers -o customers.csv -q
  clm-replay export store --table transitions -o transitions.ndjson -q
  clm-replay export store -o view.sqlite -q
  clm-replay report store -o report.html -q
  clm-replay explain store C-000018 --to loyalty > explained.txt
  clm-replay metrics store --table cohorts --period month --format csv > cohorts.csv
  clm-replay checkpoint store --init key -o checkpoint -q
  clm-replay verify store --against checkpoint -q
'
bare "$lines"
cp fixtures/shop.ndjson.gz fixtures/rules/retail.yaml "$here/"
binary=$(readlink -f .build/release)
(cd "$here"; PATH=$binary:$PATH; eval "set -e; $lines")
for file in customers.csv transitions.ndjson explained.txt cohorts.csv; do
  cmp "$here/$file" $root/work/$file || fail "$file is another one there"
  [ -s "$here/$file" ] || fail "$file is empty"
done
for file in view.sqlite report.html; do [ -s $root/work/$file ] || fail "$file was not made"; done
echo "in $(. $root/etc/os-release; echo "$PRETTY_NAME") with $libraries: same tables, explanation and cohorts as here"
