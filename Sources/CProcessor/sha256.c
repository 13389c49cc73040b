// SHA-256 (FIPS 180-4) by the SHA instructions of x86-64, in two lanes.
#include "processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))
#define IN_PLACE static inline __attribute__((always_inline, target("sha,sse4.1")))

int processor_has_sha256(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1)) return 0;
  // SSSE3 and SSE4.1.
  return __get_cpuid(1, &a, &b, &c, &d) && (c >> 9 & 1) && (c >> 19 & 1);
}

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// The eight words of a hash, in the order in which the instructions take them.
typedef struct {
  __m128i abef, cdgh;
} digest;

IN_PLACE digest beginning(void) {
  digest value = {_mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
                  _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19)};
  return value;
}

/// Turns the bytes of each 32-bit word.
IN_PLACE __m128i turned(__m128i words) {
  return _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

IN_PLACE void put(digest value, uint8_t *hash) {
  __m128i feba = _mm_shuffle_epi32(value.abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(value.cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)hash, turned(_mm_blend_epi16(feba, dchg, 0xf0)));
  _mm_storeu_si128((__m128i *)(hash + 16), turned(_mm_alignr_epi8(dchg, feba, 8)));
}

/// Takes up a block of 64 bytes in each of `lanes` digests, 1 or 2.
IN_PLACE void take(digest *values, const uint8_t *const *blocks, int lanes) {
  __m128i words[2][4];
  digest before[2];
#pragma clang loop unroll(full)
  for (int lane = 0; lane < lanes; lane++) before[lane] = values[lane];
#pragma clang loop unroll(full)
  for (int step = 0; step < 16; step++) {
    const __m128i constants = _mm_load_si128((const __m128i *)(round_constants + 4 * step));
#pragma clang loop unroll(full)
    for (int lane = 0; lane < lanes; lane++) {
      __m128i *own = words[lane], next;
      if (step < 4) {
        next = turned(_mm_loadu_si128((const __m128i *)(blocks[lane] + 16 * step)));
      } else {
        const __m128i last = own[(step + 3) & 3];
        const __m128i behind = _mm_alignr_epi8(last, own[(step + 2) & 3], 4);
        next = _mm_sha256msg1_epu32(own[step & 3], own[(step + 1) & 3]);
        next = _mm_sha256msg2_epu32(_mm_add_epi32(next, behind), last);
      }
      own[step & 3] = next;
      next = _mm_add_epi32(next, constants);
      values[lane].cdgh = _mm_sha256rnds2_epu32(values[lane].cdgh, values[lane].abef, next);
      next = _mm_shuffle_epi32(next, 0x0e);
      values[lane].abef = _mm_sha256rnds2_epu32(values[lane].abef, values[lane].cdgh, next);
    }
  }
#pragma clang loop unroll(full)
  for (int lane = 0; lane < lanes; lane++) {
    values[lane].abef = _mm_add_epi32(values[lane].abef, before[lane].abef);
    values[lane].cdgh = _mm_add_epi32(values[lane].cdgh, before[lane].cdgh);
  }
}

/// A message as blocks: those that lie in its body whole stand there; the one in which the head ends, and the one or two of the
/// end, are made up.
typedef struct {
  uint8_t *hash;
  const uint8_t *middle;
  size_t middle_left;
  unsigned first_left, end_left;
  const uint8_t *end;
  uint8_t first[64], last[128];
} lane_input;

static void begin(lane_input *input, const processor_message *message) {
  const uint8_t *rest = message->body;
  size_t rest_count = message->body_count;
  const size_t count = message->head_count + message->body_count;
  size_t used = 0;
  input->hash = message->hash;
  input->first_left = 0;
  if (message->head_count > 0 && count >= 64) {
    const size_t part = 64 - message->head_count;
    memcpy(input->first, message->head, message->head_count);
    if (part > 0) memcpy(input->first + message->head_count, rest, part);
    rest += part;
    rest_count -= part;
    input->first_left = 1;
  } else if (message->head_count > 0) {
    used = message->head_count;
    memcpy(input->last, message->head, used);
  }
  input->middle = rest;
  input->middle_left = used > 0 ? 0 : rest_count / 64;
  rest += 64 * input->middle_left;
  rest_count -= 64 * input->middle_left;
  if (rest_count > 0) memcpy(input->last + used, rest, rest_count);
  used += rest_count;
  const size_t end = used + 9 <= 64 ? 64 : 128;
  input->last[used] = 0x80;
  memset(input->last + used + 1, 0, end - 8 - (used + 1));
  const uint64_t bits = __builtin_bswap64(8 * (uint64_t)count);
  memcpy(input->last + end - 8, &bits, 8);
  input->end = input->last;
  input->end_left = (unsigned)(end / 64);
}

/// The next block; there is one.
IN_PLACE const uint8_t *next_block(lane_input *input) {
  if (input->first_left > 0) {
    input->first_left = 0;
    return input->first;
  }
  const uint8_t *block;
  if (input->middle_left > 0) {
    input->middle_left--;
    block = input->middle;
    input->middle += 64;
    return block;
  }
  input->end_left--;
  block = input->end;
  input->end += 64;
  return block;
}

WITH_SHA void processor_sha256_messages(const processor_message *messages, size_t count) {
  lane_input inputs[2];
  digest values[2];
  const uint8_t *blocks[2];
  int is_busy[2];
  size_t next = 0;
  for (int lane = 0; lane < 2; lane++) {
    is_busy[lane] = next < count;
    if (!is_busy[lane]) continue;
    begin(&inputs[lane], &messages[next++]);
    values[lane] = beginning();
  }
  while (is_busy[0] && is_busy[1]) {
    blocks[0] = next_block(&inputs[0]);
    blocks[1] = next_block(&inputs[1]);
    take(values, blocks, 2);
    // A lane whose message has ended goes on with the next one.
    for (int lane = 0; lane < 2; lane++) {
      if (inputs[lane].end_left > 0) continue;
      put(values[lane], inputs[lane].hash);
      is_busy[lane] = next < count;
      if (!is_busy[lane]) continue;
      begin(&inputs[lane], &messages[next++]);
      values[lane] = beginning();
    }
  }
  for (int lane = 0; lane < 2; lane++) {
    if (!is_busy[lane]) continue;
    while (inputs[lane].end_left > 0) {
      blocks[0] = next_block(&inputs[lane]);
      take(&values[lane], blocks, 1);
    }
    put(values[lane], inputs[lane].hash);
  }
}

WITH_SHA void processor_sha256_parents(const uint8_t *children, size_t pairs, uint8_t *parents) {
  // Two blocks each: 0x01, 64 bytes of children, the end of a message of 65 bytes.
  uint8_t messages[2][128];
  memset(messages, 0, sizeof messages);
  for (int lane = 0; lane < 2; lane++) {
    messages[lane][0] = 1;
    messages[lane][65] = 0x80;
    messages[lane][126] = 65 * 8 >> 8;
    messages[lane][127] = 65 * 8 & 0xff;
  }
  const uint8_t *first[2] = {messages[0], messages[1]};
  const uint8_t *second[2] = {messages[0] + 64, messages[1] + 64};
  for (size_t pair = 0; pair < pairs; pair += 2) {
    const int lanes = pairs - pair >= 2 ? 2 : 1;
    digest values[2] = {beginning(), beginning()};
    memcpy(messages[0] + 1, children + 64 * pair, 64);
    if (lanes == 2) {
      memcpy(messages[1] + 1, children + 64 * (pair + 1), 64);
      take(values, first, 2);
      take(values, second, 2);
      put(values[1], parents + 32 * (pair + 1));
    } else {
      take(values, first, 1);
      take(values, second, 1);
    }
    put(values[0], parents + 32 * pair);
  }
}

#else

// Other processors have the library's SHA-256, which uses what they have.
int processor_has_sha256(void) { return 0; }

void processor_sha256_messages(const processor_message *messages, size_t count) {
  for (size_t index = 0; index < count; index++) (void)messages[index];
  __builtin_trap();
}

void processor_sha256_parents(const uint8_t *children, size_t pairs, uint8_t *parents) {
  (void)children, (void)pairs, (void)parents;
  __builtin_trap();
}

#endif
