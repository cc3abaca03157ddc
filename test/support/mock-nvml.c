/*
 * A stand-in for NVIDIA's management library: two GPUs, and faults on demand. It reads one letter from the file that
 * MOCK_NVML_STATE names, at every call:
 *   o all is well        l GPU 1 fell off the bus     r GPU 1 requires a reset   d the driver is not loaded
 *   h a call hangs       c a call crashes             x GPU 0 reported Xid 79    m GPU 0 is divided into two slices
 *   p power limits may be set
 * Built with -DOLD it lacks what old drivers lack.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int R;
typedef void *D;
enum { OK = 0, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, NOT_LOADED = 9, TIMEOUT = 10, LOST = 15, RESET = 16 };

static int inited = 0, lost_at_init = 0, told = 0;
static unsigned limit_mw = 700000;

static char state(void) {
  FILE *f = fopen(getenv("MOCK_NVML_STATE"), "r");
  int c = f ? fgetc(f) : 'o';
  if (f) fclose(f);
  if (c != 'x') told = 0;
  return c < 0 ? 'o' : (char)c;
}

static D gpu(int i) { return (D)(long)(0x10 + i); }
static int index_of(D d) { return (int)((long)d & 1); }
static int is_slice(D d) { return (long)d >= 0x20; }
/* A lost GPU stays lost until the library is opened afresh. */
static R fault(D d) {
  if (index_of(d) != 1 || is_slice(d)) return OK;
  if (state() == 'l' || lost_at_init) { lost_at_init = 1; return LOST; }
  return state() == 'r' ? RESET : OK;
}

R nvmlInit_v2(void) {
  if (state() == 'd') return NOT_LOADED;
  inited = 1;
  lost_at_init = state() == 'l';
  return OK;
}
R nvmlShutdown(void) { inited = 0; return OK; }
R nvmlSystemGetDriverVersion(char *s, unsigned n) { strncpy(s, "570.133.20", n); return OK; }
R nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return OK; }
R nvmlDeviceGetHandleByIndex_v2(unsigned i, D *d) {
  *d = gpu((int)i);
  return fault(*d) == LOST ? LOST : OK;
}
R nvmlDeviceGetHandleByUUID(const char *uuid, D *d) {
  *d = gpu(uuid[strlen(uuid) - 1] - '1');
  return OK;
}
R nvmlDeviceGetName(D d, char *s, unsigned n) {
  strncpy(s, is_slice(d) ? "NVIDIA H100 80GB HBM3 MIG 3g.40gb" : "NVIDIA H100 80GB HBM3", n);
  return OK;
}
R nvmlDeviceGetUUID(D d, char *s, unsigned n) {
  snprintf(s, n, is_slice(d) ? "MIG-11111111-aaaa-5bbb-8ccc-00000000000%d" : "GPU-6b1b7d1e-9a1e-5b4c-8f0e-00000000000%d", index_of(d) + 1);
  return OK;
}
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } Pci;
R nvmlDeviceGetPciInfo_v3(D d, Pci *p) {
  memset(p, 0, sizeof *p);
  strcpy(p->bus_id, index_of(d) ? "00000000:3B:00.0" : "00000000:19:00.0");
  return OK;
}
typedef struct { unsigned long long total, free, used; } Memory;
R nvmlDeviceGetMemoryInfo(D d, Memory *m) {
  m->total = is_slice(d) ? 42949672960ull : 85520809984ull;
  m->used = 1ull << 30;
  m->free = m->total - m->used;
  return fault(d);
}
R nvmlDeviceGetTemperature(D d, int sensor, unsigned *t) {
  if (state() == 'h') sleep(600);
  if (state() == 'c') abort();
  *t = 41 + index_of(d);
  return fault(d);
}
R nvmlDeviceGetPowerUsage(D d, unsigned *p) { *p = 71234; return fault(d); }
R nvmlDeviceGetCurrPcieLinkWidth(D d, unsigned *w) { *w = 16; return fault(d); }

#ifndef OLD
R nvmlDeviceGetEnforcedPowerLimit(D d, unsigned *p) { *p = limit_mw; return fault(d); }
R nvmlDeviceSetPowerManagementLimit(D d, unsigned p) {
  if (state() != 'p') return NO_PERMISSION;
  limit_mw = p;
  return OK;
}
typedef struct { unsigned gpu, memory; } Utilization;
R nvmlDeviceGetUtilizationRates(D d, Utilization *u) { u->gpu = 7; u->memory = 3; return fault(d); }
R nvmlDeviceGetCudaComputeCapability(D d, int *major, int *minor) { *major = 9; *minor = 0; return fault(d); }
R nvmlDeviceGetClockInfo(D d, int kind, unsigned *c) { *c = kind == 1 ? 1980 : 2619; return fault(d); }
R nvmlDeviceGetTotalEccErrors(D d, int kind, int counter, unsigned long long *n) { *n = 2; return fault(d); }
R nvmlDeviceGetMaxPcieLinkGeneration(D d, unsigned *g) { *g = 5; return fault(d); }
typedef struct { unsigned pid; unsigned long long memory; unsigned gi, ci; } Process;
R nvmlDeviceGetComputeRunningProcesses_v3(D d, unsigned *n, Process *p) {
  *n = index_of(d) ? 0 : 2;
  if (*n) { p[0].pid = 4242; p[0].memory = 512ull << 20; p[1].pid = 4243; p[1].memory = ~0ull; }
  return fault(d);
}
R nvmlDeviceGetMigMode(D d, unsigned *now, unsigned *pending) {
  *now = *pending = state() == 'm' && index_of(d) == 0;
  return fault(d);
}
R nvmlDeviceGetMaxMigDeviceCount(D d, unsigned *n) { *n = 7; return OK; }
R nvmlDeviceGetMigDeviceHandleByIndex(D d, unsigned i, D *slice) {
  *slice = (D)(long)(0x20 + i);
  return i < 2 ? OK : NOT_FOUND;
}
R nvmlEventSetCreate(D *set) { *set = (D)0x99; return OK; }
R nvmlEventSetFree(D set) { return OK; }
R nvmlDeviceRegisterEvents(D d, unsigned long long types, D set) { return types == 8 ? OK : NOT_SUPPORTED; }
typedef struct { D device; unsigned long long type, data; unsigned gi, ci; } Event;
R nvmlEventSetWait_v2(D set, Event *e, unsigned ms) {
  if (state() != 'x' || told) return TIMEOUT;
  told = 1;
  e->device = gpu(0);
  e->type = 8;
  e->data = 79;
  return OK;
}
#endif
