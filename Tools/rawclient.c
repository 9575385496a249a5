// The least that a client of S3 can do: what Tools/store-rates compares Kura with. libcurl, one handle and
// connection a thread, SHA-256 of every body, a signature, and the length of every answer checked. No retries,
// no conditions, no lists.
//
//     rawclient put|get HOST:PORT BUCKET/PREFIX COUNT BYTES THREADS
//
// Credentials are in the environment. One line goes to standard output: seconds, and processor seconds.
#include <curl/curl.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char *host, *path, *access_key, *secret_key;
static int is_put, count;
static size_t size;
static unsigned char *content;
static atomic_int next_object, failures;

struct body {
    unsigned char *bytes;
    size_t place;
};

static size_t send_part(char *target, size_t element, size_t number, void *context) {
    struct body *body = context;
    size_t rest = size - body->place, part = element * number < rest ? element * number : rest;
    memcpy(target, body->bytes + body->place, part);
    body->place += part;
    return part;
}

static size_t receive_part(char *bytes, size_t element, size_t number, void *context) {
    struct body *body = context;
    size_t part = element * number;
    if (is_put) return part;
    if (body->place + part > size) return 0;
    memcpy(body->bytes + body->place, bytes, part);
    body->place += part;
    return part;
}

static void hex(const unsigned char *bytes, size_t length, char *text) {
    for (size_t i = 0; i < length; i++) sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void sign(const char *url_path, const char *payload, const char *date, char *header) {
    char canonical[2048], digest[65], to_sign[512], code[65];
    unsigned char key[256], out[32];
    unsigned length = 32;
    snprintf(canonical, sizeof canonical,
        "%s\n%s\n\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\nhost;x-amz-content-sha256;x-amz-date\n%s",
        is_put ? "PUT" : "GET", url_path, host, payload, date, payload);
    hex(SHA256((unsigned char *)canonical, strlen(canonical), out), 32, digest);
    snprintf(to_sign, sizeof to_sign, "AWS4-HMAC-SHA256\n%s\n%.8s/us-east-1/s3/aws4_request\n%s", date, date, digest);
    snprintf((char *)key, sizeof key, "AWS4%s", secret_key);
    size_t key_length = strlen((char *)key);
    char day[9];
    snprintf(day, sizeof day, "%.8s", date);
    const char *parts[] = {day, "us-east-1", "s3", "aws4_request", to_sign};
    for (int i = 0; i < 5; i++) {
        HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)parts[i], strlen(parts[i]), out, &length);
        memcpy(key, out, key_length = 32);
    }
    hex(out, 32, code);
    sprintf(header,
        "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=%s", access_key, date, code);
}

static int one(CURL *curl, int number, unsigned char *buffer) {
    char url_path[1024], url[1200], payload[65], date[20], header[1024];
    unsigned char digest[32];
    struct body body = {is_put ? content : buffer, 0};
    snprintf(url_path, sizeof url_path, "/%s/object-%d", path, number);
    snprintf(url, sizeof url, "http://%s%s", host, url_path);
    hex(SHA256(is_put ? content : (unsigned char *)"", is_put ? size : 0, digest), 32, payload);
    time_t now = time(NULL);
    struct tm parts;
    strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
    struct curl_slist *headers = NULL;
    sign(url_path, payload, date, header);
    headers = curl_slist_append(headers, header);
    snprintf(header, sizeof header, "x-amz-content-sha256: %s", payload);
    headers = curl_slist_append(headers, header);
    snprintf(header, sizeof header, "x-amz-date: %s", date);
    headers = curl_slist_append(headers, header);
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 1L << 19);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive_part);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (is_put) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_part);
        curl_easy_setopt(curl, CURLOPT_READDATA, &body);
    }
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    return code == CURLE_OK && status == 200 && body.place == size;
}

static void *work(void *context) {
    CURL *curl = curl_easy_init();
    unsigned char *buffer = malloc(size);
    for (int number; (number = atomic_fetch_add(&next_object, 1)) < count;)
        if (!one(curl, number, buffer)) atomic_fetch_add(&failures, 1);
    free(buffer);
    curl_easy_cleanup(curl);
    return context;
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 7) return 64;
    is_put = !strcmp(argv[1], "put");
    host = argv[2];
    path = argv[3];
    count = atoi(argv[4]);
    size = strtoull(argv[5], NULL, 10);
    int threads = atoi(argv[6]);
    access_key = getenv("AWS_ACCESS_KEY_ID");
    secret_key = getenv("AWS_SECRET_ACCESS_KEY");
    if (!access_key || !secret_key || threads < 1 || threads > 64) return 64;
    content = malloc(size);
    unsigned long long state = 0x9E3779B97F4A7C15ull;
    for (size_t i = 0; is_put && i < size; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content[i] = (unsigned char)state;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    pthread_t workers[64];
    double start = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < threads; i++) pthread_create(&workers[i], NULL, work, NULL);
    for (int i = 0; i < threads; i++) pthread_join(workers[i], NULL);
    printf("%f %f\n", seconds(CLOCK_MONOTONIC) - start, seconds(CLOCK_PROCESS_CPUTIME_ID) - processor);
    if (failures) fprintf(stderr, "%d objects failed\n", failures);
    return failures ? 1 : 0;
}
