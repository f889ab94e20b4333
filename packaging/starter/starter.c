// SPDX-License-Identifier: Apache-2.0
// bin/NAME of the bundle: starts lib/NAME.bin with the bundle's own loader and libraries, so that the program runs on
// machines whose C library is older than the one it was built with.
//
//   execve(LIB/LOADER, {NAME, --inhibit-cache, --library-path, LIB, --argv0, NAME, LIB/NAME.bin, arguments…})
//
// No library, no heap, no initialisation: it runs wherever a Linux kernel does. LD_LIBRARY_PATH is never set, since the
// programs' children keep the machine's libraries. The program finds its own files by MODELYARD_SELF, this file's path:
// its /proc/self/exe is the loader.

#ifndef LOADER
#error "LOADER: the loader's file name, as ld-linux-x86-64.so.2"
#endif

typedef unsigned long word;

enum { kPathMax = 4096, kWordsMax = 65536, kAuxExecFn = 31 };

#if defined(__x86_64__)
enum { kSysWrite = 1, kSysExecve = 59, kSysExit = 60, kSysReadlinkAt = 267 };
static long call(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call begin\n");
#elif defined(__aarch64__)
enum { kSysWrite = 64, kSysExecve = 221, kSysExit = 93, kSysReadlinkAt = 78 };
static long call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x0, sp\n"
    "  bl begin\n");
#else
#error "this processor's system calls are not known here"
#endif

static word length(const char* text) {
  word n = 0;
  while (text[n]) ++n;
  return n;
}

static void say(const char* text) { call(kSysWrite, 2, (long)text, (long)length(text), 0); }

__attribute__((noreturn)) static void give_up(const char* what, const char* path) {
  say("modelyard: ");
  say(what);
  say(path);
  say("\n");
  for (;;) call(kSysExit, 127, 0, 0, 0);
}

static char self[kPathMax];     // MODELYARD_SELF=/…/bin/NAME
static char library[kPathMax];  // /…/lib
static char loader[kPathMax];
static char program[kPathMax];
static char* words[kWordsMax];
static char* environment[kWordsMax];

static const char kSelf[] = "MODELYARD_SELF=";

// Appends text to out and returns the new end.
static char* put(char* out, char* at, const char* text) {
  const word size = length(text);
  if ((word)(at - out) + size + 1 > kPathMax) give_up("the path is too long: ", text);
  for (word i = 0; i <= size; ++i) at[i] = text[i];
  return at + size;
}

static int starts_with(const char* text, const char* prefix) {
  while (*prefix) {
    if (*text++ != *prefix++) return 0;
  }
  return 1;
}

// The starter's own path: by /proc, else (no /proc) as the kernel was told it.
static void find_self(char* path, const word* auxiliary) {
  const long size = call(kSysReadlinkAt, -100, (long)"/proc/self/exe", (long)path, kPathMax - (long)sizeof kSelf - 1);
  if (size > 0) {
    path[size] = 0;
    return;
  }
  for (; auxiliary[0]; auxiliary += 2) {
    if (auxiliary[0] == kAuxExecFn) {
      put(self, path, (const char*)auxiliary[1]);
      return;
    }
  }
  give_up("cannot find its own path", "");
}

// Cuts the last part of a path off and returns it; the path keeps no slash at its end.
static char* cut_last(char* path) {
  char* slash = 0;
  for (char* at = path; *at; ++at) {
    if (*at == '/') slash = at;
  }
  if (!slash) give_up("started without a path: ", path);
  *slash = 0;
  return slash + 1;
}

__attribute__((used, noreturn)) void begin(word* stack) {
  const word count = stack[0];
  char** const arguments = (char**)(stack + 1);
  char** const given = arguments + count + 1;
  word variables = 0;
  while (given[variables]) ++variables;
  if (count + 8 > kWordsMax || variables + 2 > kWordsMax) give_up("too many arguments", "");

  char* const path = put(self, self, kSelf);
  find_self(path, (const word*)(given + variables + 1));

  put(library, library, path);
  const char* const name = path + (cut_last(library) - library);
  cut_last(library);
  put(library, library + length(library), "/lib");
  put(loader, put(loader, loader, library), "/" LOADER);
  put(program, put(program, put(program, put(program, program, library), "/"), name), ".bin");

  char** word_at = words;
  *word_at++ = (char*)name;
  *word_at++ = "--inhibit-cache";
  *word_at++ = "--library-path";
  *word_at++ = library;
  *word_at++ = "--argv0";
  *word_at++ = (char*)name;
  *word_at++ = program;
  for (word i = 1; i < count; ++i) *word_at++ = arguments[i];

  char** variable_at = environment;
  *variable_at++ = self;
  for (word i = 0; i < variables; ++i) {
    if (!starts_with(given[i], kSelf)) *variable_at++ = given[i];
  }
  call(kSysExecve, (long)loader, (long)words, (long)environment, 0);
  give_up("cannot start ", loader);
}
