/* SPDX-License-Identifier: Apache-2.0 */
/* asks_c server|quorum ADDRESS NAME FUNCTION KEY VALUE: what a C program does with the client, every step checked. */
#include <modelyard/c_client.h>
#include <stdio.h>
#include <string.h>

static int fail(const char* what, int code, char* error) {
  printf("error %d %s: %s\n", code, what, error != NULL ? error : "");
  modelyard_free(error);
  return 1;
}

static void count(void* context, int kind, const modelyard_endpoint* endpoint) {
  if (kind == MODELYARD_ADDED && endpoint->name[0] != '\0') ++*(int*)context;
}

int main(int argc, char** argv) {
  modelyard_options options = MODELYARD_OPTIONS_INIT;
  modelyard_client* client = NULL;
  modelyard_snapshot* snapshot;
  char *error = NULL, *url = NULL, *id = NULL, *body = NULL;
  const char* arguments[3] = {NULL, NULL, NULL};
  const char* odd[2] = {"key", NULL};
  int code, number, told = 0;
  size_t i;
  if (argc != 7) return 2;
  if (modelyard_connect(NULL, &client, NULL) != MODELYARD_INVALID_ARGUMENT) return fail("no options", 0, NULL);
  code = modelyard_connect(&options, &client, &error);
  if (code != MODELYARD_INVALID_ARGUMENT || client != NULL) return fail("neither server nor quorum", code, error);
  modelyard_free(error);
  if (strcmp(argv[1], "server") == 0) {
    options.server = argv[2];
  } else {
    options.quorum = argv[2];
  }
  options.connect_timeout_ms = 5000;
  code = modelyard_connect(&options, &client, &error);
  if (code != MODELYARD_OK) return fail("connect", code, error);
  number = modelyard_listen(client, count, &told);
  modelyard_unlisten(client, number);
  snapshot = modelyard_take_snapshot(client);
  for (i = 0; i < modelyard_snapshot_size(snapshot); ++i) {
    const modelyard_endpoint* endpoint = modelyard_snapshot_at(snapshot, i);
    printf("endpoint %s@%s %s %s\n", endpoint->name, endpoint->version, endpoint->aliases[0], endpoint->paths[0]);
  }
  if (modelyard_snapshot_at(snapshot, i) != NULL) return fail("beyond the end", 0, NULL);
  modelyard_snapshot_free(snapshot);
  code = modelyard_choose(client, argv[3], NULL, &url, &id, &error);
  if (code != MODELYARD_OK) return fail("choose", code, error);
  if (strncmp(url, "http://", 7) != 0 || id[0] == '\0') return fail("chosen", 0, NULL);
  modelyard_free(url);
  modelyard_free(id);
  code = modelyard_choose(client, "nobody", "", NULL, NULL, &error);
  if (code != MODELYARD_NOT_FOUND || error == NULL) return fail("choose nobody", code, error);
  modelyard_free(error);
  arguments[0] = argv[5];
  arguments[1] = argv[6];
  if (modelyard_call(client, argv[3], NULL, argv[4], odd, 0, &body, NULL) != MODELYARD_INVALID_ARGUMENT)
    return fail("a key without a value", 0, NULL);
  code = modelyard_call(client, argv[3], NULL, argv[4], arguments, 5000, &body, &error);
  if (code != MODELYARD_OK) return fail("call", code, error);
  printf("%s\n", body);
  modelyard_free(body);
  printf("connected %d version %s told %d\n", modelyard_connected(client), modelyard_version(), told);
  modelyard_close(client);
  modelyard_close(NULL);
  return 0;
}
