// What the processor can do and Swift has no word for.
#ifndef CLM_PROCESSOR_H
#define CLM_PROCESSOR_H

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>

/// Asks for memory that will be looked at soon; any address is allowed.
static inline void processor_prefetch(const void *address) { __builtin_prefetch(address); }

/// Lets the C library keep memory that is let go, up to a bound, in place of giving it back to the kernel each time.
static inline void processor_keep_memory(int bytes, int piece) {
  mallopt(M_TRIM_THRESHOLD, bytes);
  mallopt(M_MMAP_THRESHOLD, piece);
}

/// The first place from `start` on of a quote, a backslash, a control character or a byte beyond ASCII; `end` without one.
static inline size_t processor_plain_end(const uint8_t *bytes, size_t start, size_t end) {
  size_t at = start;
#if defined(__SSE2__)
  typedef signed char sixteen __attribute__((vector_size(16)));
  typedef char sixteen_places __attribute__((vector_size(16)));
  while (end - at >= 16) {
    sixteen part;
    __builtin_memcpy(&part, bytes + at, 16);
    // As signed numbers bytes beyond ASCII are below the blank, too.
    const sixteen blank = (sixteen){0} + ' ', quote = (sixteen){0} + '"', backslash = (sixteen){0} + '\\';
    const int places = __builtin_ia32_pmovmskb128((sixteen_places)((part < blank) | (part == quote) | (part == backslash)));
    if (places != 0) return at + (size_t)__builtin_ctz((unsigned)places);
    at += 16;
  }
#endif
  const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
  while (end - at >= 8) {
    uint64_t part;
    __builtin_memcpy(&part, bytes + at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    part = __builtin_bswap64(part);
#endif
    const uint64_t quote = part ^ ones * '"', backslash = part ^ ones * '\\';
    // Subtracting borrows out of bytes that were less only, as far as the first of them, which is the one that is looked for.
    const uint64_t found = (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((part - ones * ' ') & ~part) | part) & high;
    if (found != 0) return at + (size_t)__builtin_ctzll(found) / 8;
    at += 8;
  }
  while (at < end && bytes[at] >= ' ' && bytes[at] < 0x80 && bytes[at] != '"' && bytes[at] != '\\') at++;
  return at;
}

/// Both hold the same bytes; for short ones.
static inline int processor_is_equal(const uint8_t *left, const uint8_t *right, size_t count) {
  size_t at = 0;
  uint64_t a, b;
  if (count < 8) {
    while (at < count && left[at] == right[at]) at++;
    return at == count;
  }
  while (count - at > 8) {
    __builtin_memcpy(&a, left + at, 8);
    __builtin_memcpy(&b, right + at, 8);
    if (a != b) return 0;
    at += 8;
  }
  // The last eight; some of them were compared.
  __builtin_memcpy(&a, left + count - 8, 8);
  __builtin_memcpy(&b, right + count - 8, 8);
  return a == b;
}

/// A message to be hashed: `head` ‖ `body`, and where its hash goes.
typedef struct {
  const uint8_t *head;
  const uint8_t *body;
  uint8_t *hash;
  /// At most 64.
  size_t head_count;
  size_t body_count;
} processor_message;

/// Whether this processor has SHA instructions that the functions below are written for (x86-64); they may be called only then.
int processor_has_sha256(void);

/// SHA-256 of each message, two at a time: the instructions of one fill the waits of the other.
void processor_sha256_messages(const processor_message *messages, size_t count);

/// The parents of pairs of nodes that stand one behind the other, 32 bytes each: SHA-256(0x01 ‖ left ‖ right). Parents may take
/// the place of the first children.
void processor_sha256_parents(const uint8_t *children, size_t pairs, uint8_t *parents);

#endif
