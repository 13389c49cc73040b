#ifndef CLIBCRYPTO_SHIM_H
#define CLIBCRYPTO_SHIM_H

// The functions of SHA-256 alone are called deprecated since 3.0. Their successors look for a provider and make two objects for
// each hash, which takes longer than hashing a line.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

/// SHA-256(head ‖ body).
static inline void libcrypto_sha256(const uint8_t *head, size_t head_count, const uint8_t *body,
                                    size_t body_count, uint8_t *hash) {
  SHA256_CTX context;
  SHA256_Init(&context);
  if (head_count > 0) SHA256_Update(&context, head, head_count);
  if (body_count > 0) SHA256_Update(&context, body, body_count);
  SHA256_Final(hash, &context);
}

#endif
