#ifndef WEFT_BASE_READERS_H
#define WEFT_BASE_READERS_H

/* readers - OpenSSL with as few readers of public keys as certificates of peers need.
 *
 * OpenSSL 3.0 looks through some sixty decoders for every certificate that it reads, and
 * through all that its library context knows, two of a handshake's five parts.  A context
 * whose provider is the default one, but names only what TLS 1.3 between our peers needs,
 * reads them five times as fast: the suites of TLS 1.3, P curves and X25519, keys that are
 * EC, RSA or Edwards, SHA-2 and SHA-3.  It decides nothing else: what a key may do is judged
 * elsewhere.
 *
 * Lifetime: made once, for the life of the process.
 * Threads:  may be asked from any thread. */
struct ossl_lib_ctx_st;

/* NULL: the default context; where the machine's OpenSSL is told to use other providers (FIPS), it stays so. */
struct ossl_lib_ctx_st *readers_context(void);

#endif
