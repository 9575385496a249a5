// libcurl, with typed calls in place of its variadic ones, which Swift cannot call.
#ifndef KURA_CCURL_H
#define KURA_CCURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode kura_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode kura_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode kura_curl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode kura_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

/// Bytes that go out or come in: a buffer, the size of an element, their number, the context.
typedef size_t (*kura_curl_data)(char *, size_t, size_t, void *);

static inline CURLcode kura_curl_set_data(CURL *handle, CURLoption option, kura_curl_data call) {
    return curl_easy_setopt(handle, option, call);
}

/// Sets the place in a body that is sent: CURL_SEEKFUNC_OK or CURL_SEEKFUNC_FAIL.
typedef int (*kura_curl_seek)(void *, curl_off_t, int);

static inline CURLcode kura_curl_set_seek(CURL *handle, kura_curl_seek call) {
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, call);
}

/// Told at least once a second; another answer than 0 ends the exchange.
typedef int (*kura_curl_progress)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

static inline CURLcode kura_curl_set_progress(CURL *handle, kura_curl_progress call) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, call);
}

static inline CURLcode kura_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode kura_curl_get_size(CURL *handle, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(handle, info, value);
}

/// Once, before all else.
static inline CURLcode kura_curl_begin(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

#endif
