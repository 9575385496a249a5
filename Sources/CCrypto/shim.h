// OpenSSL 3 marks the plain SHA-256 functions as deprecated in favour of EVP, which allocates and
// fetches by name. They stay exported and are the cheapest way to one digest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/opensslv.h>
#include <openssl/x509v3.h>
