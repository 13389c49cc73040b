// What the processor can do and Swift has no word for.
#ifndef CLM_PROCESSOR_H
#define CLM_PROCESSOR_H

#include <stddef.h>
#include <stdint.h>

/// Asks for memory that will be looked at soon; any address is allowed.
static inline void processor_prefetch(const void *address) { __builtin_prefetch(address); }

/// SHA-256 of bytes in one call, by the BoringSSL that swift-crypto is made of (its version is pinned in Package.swift): without
/// the two objects that its Swift interface makes for each hash.
uint8_t *CCryptoBoringSSL_SHA256(const uint8_t *bytes, size_t count, uint8_t hash[32]);

#endif
