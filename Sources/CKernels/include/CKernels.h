/// Kernels that need instructions Swift cannot name. Each has a plain Swift twin in the tests.
#ifndef KURA_CKERNELS_H
#define KURA_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Whether this processor has what `kura_sha256_many` needs. Cheap; the answer never changes.
int kura_sha256_many_is_supported(void);

/// SHA-256 of `count` messages, several at once in independent lanes.
///
/// One stream is bound by the latency of the SHA instructions, so a core that works on three
/// messages in turn hashes more than twice as fast. Call only where it is supported.
///
/// - data, lengths: `count` messages of any length and alignment.
/// - digests: room for `count` times 32 bytes.
void kura_sha256_many(const uint8_t *const *data, const size_t *lengths, size_t count,
                      uint8_t *digests);

#endif
