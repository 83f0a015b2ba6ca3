// A small MCP server that keeps notes in a directory: list_notes, read_note, delete_note.
// It is as careless as servers are: read_note opens whatever path it is given.
//   notes DIRECTORY
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *directory;

static void print_string(const char *text) {
  putchar('"');
  for (; *text != 0; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') printf("\\%c", c);
    else if (c < 0x20) printf("\\u%04x", c);
    else putchar(c);
  }
  putchar('"');
}

// Copies the string value of `key` in `line` to `to`; an example may read JSON that simply.
static const char *string_of(const char *line, const char *key, char *to, size_t size) {
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
  const char *at = strstr(line, quoted);
  to[0] = 0;
  if (at == NULL) return to;
  at += strlen(quoted);
  snprintf(to, size, "%.*s", (int)strcspn(at, "\""), at);
  return to;
}

static void answer_text(const char *id, const char *text, int failed) {
  printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[{\"type\":\"text\",\"text\":", id);
  print_string(text);
  printf("}],\"isError\":%s}}\n", failed ? "true" : "false");
}

static void list_notes(const char *id) {
  char names[4096] = "";
  DIR *notes = opendir(directory);
  for (struct dirent *note; notes != NULL && (note = readdir(notes)) != NULL;) {
    if (note->d_name[0] == '.' || strlen(names) + strlen(note->d_name) + 2 > sizeof names) continue;
    strcat(strcat(names, note->d_name), "\n");
  }
  if (notes != NULL) closedir(notes);
  answer_text(id, names, notes == NULL);
}

static void read_note(const char *id, const char *path) {
  char place[4096], text[4096];
  snprintf(place, sizeof place, "%s%s%s", path[0] == '/' ? "" : directory,
           path[0] == '/' ? "" : "/", path);
  FILE *note = fopen(place, "r");
  if (note == NULL) {
    snprintf(text, sizeof text, "cannot read %.2000s: %s", place, strerror(errno));
    answer_text(id, text, 1);
    return;
  }
  text[fread(text, 1, sizeof text - 1, note)] = 0;
  fclose(note);
  answer_text(id, text, 0);
}

static void delete_note(const char *id, const char *path) {
  char place[4096];
  snprintf(place, sizeof place, "%s/%s", directory, path);
  answer_text(id, unlink(place) == 0 ? "deleted" : strerror(errno), 0);
}

static const char tools[] =
    "{\"tools\":["
    "{\"name\":\"list_notes\",\"description\":\"List all notes\","
    "\"inputSchema\":{\"type\":\"object\",\"properties\":{}}},"
    "{\"name\":\"read_note\",\"description\":\"Read one note\",\"inputSchema\":{\"type\":\"object\","
    "\"properties\":{\"path\":{\"type\":\"string\"}},\"required\":[\"path\"]}},"
    "{\"name\":\"delete_note\",\"description\":\"Delete one note\",\"inputSchema\":{\"type\":"
    "\"object\",\"properties\":{\"path\":{\"type\":\"string\"}},\"required\":[\"path\"]}}]}";

static void handle(const char *line) {
  char id[128] = "", method[64], name[64], path[2048];
  const char *found = strstr(line, "\"id\":");
  if (found == NULL) return;  // a notification
  snprintf(id, sizeof id, "%.*s", (int)strcspn(found + 5, ",}"), found + 5);
  string_of(line, "method", method, sizeof method);
  string_of(line, "name", name, sizeof name);
  string_of(line, "path", path, sizeof path);
  if (strcmp(method, "initialize") == 0)
    printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"protocolVersion\":\"2025-11-25\","
           "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"notes\",\"version\":\"1\"}}}\n",
           id);
  else if (strcmp(method, "tools/list") == 0)
    printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n", id, tools);
  else if (strcmp(method, "ping") == 0)
    printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n", id);
  else if (strcmp(method, "tools/call") == 0 && strcmp(name, "list_notes") == 0) list_notes(id);
  else if (strcmp(method, "tools/call") == 0 && strcmp(name, "read_note") == 0) read_note(id, path);
  else if (strcmp(method, "tools/call") == 0 && strcmp(name, "delete_note") == 0)
    delete_note(id, path);
  else
    printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32601,\"message\":"
           "\"Method not found\"}}\n", id);
}

int main(int argc, char **argv) {
  char *line = NULL;
  size_t size = 0;
  if (argc < 2) {
    fprintf(stderr, "usage: notes DIRECTORY\n");
    return 2;
  }
  directory = argv[1];
  fprintf(stderr, "keeping notes in %s\n", directory);
  while (getline(&line, &size, stdin) > 0) {
    handle(line);
    fflush(stdout);
  }
  free(line);
  return 0;
}
