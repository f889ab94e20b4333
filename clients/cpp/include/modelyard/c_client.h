/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODELYARD_C_CLIENT_H
#define MODELYARD_C_CLIENT_H

#include <stddef.h>

/* The client of modelyard/client.h for C. Handles are opaque and thread-safe. A function that can fail returns 0 or one
 * of the codes below, and then stores a text for people in *error (if error is not NULL), which modelyard_free() takes.
 * What is given to a function stays the caller's; what comes out of one is freed by the function named with it. */

#ifdef __cplusplus
extern "C" {
#endif

#define MODELYARD_C_API __attribute__((visibility("default")))

enum {
  MODELYARD_OK = 0,
  MODELYARD_INVALID_ARGUMENT = 1,
  MODELYARD_NOT_FOUND = 2,
  MODELYARD_UNAVAILABLE = 3,
  MODELYARD_DEADLINE = 4,
  MODELYARD_PROTOCOL = 5,
  MODELYARD_FAILED = 6,
  MODELYARD_UNSUPPORTED = 7,
  MODELYARD_TOO_LARGE = 8,
  MODELYARD_REFUSED = 9,
  MODELYARD_CANCELLED = 10,
  MODELYARD_INTERNAL = 11
};

typedef struct modelyard_client modelyard_client;
typedef struct modelyard_snapshot modelyard_snapshot;

/* Begin with MODELYARD_OPTIONS_INIT; set quorum or server. NULL = the default. */
typedef struct modelyard_options {
  size_t size;             /* of this structure, so that later versions may add to it */
  const char* quorum;      /* "node1:2181,node2:2181[/chroot]" */
  const char* server;      /* "http://127.0.0.1:8080" */
  const char* zk_root;     /* "/metron/maas/config" */
  const char* token;       /* with server */
  long connect_timeout_ms; /* 0 = 15,000 */
} modelyard_options;
#define MODELYARD_OPTIONS_INIT \
  { sizeof(modelyard_options), NULL, NULL, NULL, NULL, 0 }

/* Texts live as long as what the endpoint came out of. */
typedef struct modelyard_endpoint {
  const char* name;
  const char* version;
  const char* id;
  const char* url;
  size_t functions; /* how many there are of the two below */
  const char* const* aliases;
  const char* const* paths;
} modelyard_endpoint;

/* Waits for the first snapshot. modelyard_close() ends it; not inside a listener. */
MODELYARD_C_API int modelyard_connect(const modelyard_options* options, modelyard_client** client, char** error);
MODELYARD_C_API void modelyard_close(modelyard_client* client);
/* 1: what it knows is what the registry holds now. */
MODELYARD_C_API int modelyard_connected(const modelyard_client* client);

/* All endpoints known now, by name, version and id; modelyard_snapshot_free(). */
MODELYARD_C_API modelyard_snapshot* modelyard_take_snapshot(const modelyard_client* client);
MODELYARD_C_API size_t modelyard_snapshot_size(const modelyard_snapshot* snapshot);
/* NULL beyond the end. */
MODELYARD_C_API const modelyard_endpoint* modelyard_snapshot_at(const modelyard_snapshot* snapshot, size_t index);
MODELYARD_C_API void modelyard_snapshot_free(modelyard_snapshot* snapshot);

/* version NULL or "": the greatest. *url and *id (each if not NULL): modelyard_free(). */
MODELYARD_C_API int modelyard_choose(const modelyard_client* client, const char* name, const char* version, char** url,
                                     char** id, char** error);

/* arguments: key, value, key, value, NULL; NULL = none. deadline_ms 0 = 2,000. *body, the text of one JSON object:
 * modelyard_free(). */
MODELYARD_C_API int modelyard_call(modelyard_client* client, const char* name, const char* version,
                                   const char* function, const char* const* arguments, long deadline_ms, char** body,
                                   char** error);

enum { MODELYARD_ADDED = 1, MODELYARD_REMOVED = 2, MODELYARD_CHANGED = 3 };
/* Called on the client's thread for each change; the endpoint lives until it returns. The number is for
 * modelyard_unlisten(), after which it is not called any more. */
typedef void (*modelyard_listener)(void* context, int kind, const modelyard_endpoint* endpoint);
MODELYARD_C_API int modelyard_listen(modelyard_client* client, modelyard_listener listener, void* context);
MODELYARD_C_API void modelyard_unlisten(modelyard_client* client, int number);

MODELYARD_C_API void modelyard_free(void* text);
MODELYARD_C_API const char* modelyard_version(void);

#ifdef __cplusplus
}
#endif

#endif
