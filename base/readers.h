#ifndef WEFT_BASE_READERS_H
#define WEFT_BASE_READERS_H

/* readers - OpenSSL with as few readers of public keys as certificates of peers need.
 *
 * OpenSSL 3.0 looks through some sixty decoders for every certificate that it reads, two
 * of a handshake's five parts.  A library context whose provider is the default
 * one but for the decoders of other keys and other forms reads them three times as fast.
 * It decides nothing: what a key may do is judged elsewhere.
 *
 * Lifetime: made once, for the life of the process.
 * Threads:  may be asked from any thread. */
struct ossl_lib_ctx_st;

/* NULL: the default context; where the machine's OpenSSL is told to use other providers (FIPS), it stays so. */
struct ossl_lib_ctx_st *readers_context(void);

#endif
