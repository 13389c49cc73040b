"""A bare cursor over every entry of an LMDB environment: the lower bound of reading it. usage: with_lmdb.py DIRECTORY

`query NAME` reads one table, `query` all of them; each value is copied once, so that all its bytes are read.
"""
import lmdb

from serving import serve

environment = []


def load(path):
    environment.append(lmdb.open(path, readonly=True, lock=False, max_dbs=32, readahead=True))
    return f"py-lmdb {lmdb.__version__}"


def query(only):
    entries = bytes = 0
    with environment[0].begin() as transaction:
        names = [name for name, _ in transaction.cursor()]
        for name in names:
            if only and name.decode() != only:
                continue
            with transaction.cursor(environment[0].open_db(name, txn=transaction, create=False)) as cursor:
                for key, value in cursor:
                    entries += 1
                    bytes += len(key) + len(value)
    return {"entries": entries, "bytes": bytes}


serve(load, {"query": query})
