/* Calls helpers at their limits, with numbers from the packet, and keeps what each answered. */
#include "net.h"

struct { __uint(type, ARRAY); __uint(max_entries, 1024); __type(key, __u32); __type(value, __u64); }
    answers SEC(".maps");
struct { __uint(type, 14); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); }
    ports SEC(".maps");
struct { __uint(type, PERF_EVENT_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); }
    events SEC(".maps");
struct { __uint(type, 22); __uint(max_entries, 3); __type(value, __u64); } queue SEC(".maps");
struct { __uint(type, 23); __uint(max_entries, 3); __type(value, __u64); } stack SEC(".maps");
struct { __uint(type, RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, PERCPU_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); }
    percpu SEC(".maps");

static long (*trace_printk)(const char *, __u32, ...) = (void *) 6;
static long (*redirect)(__u32, __u64) = (void *) 23;
static long (*perf_event_output)(void *, void *, __u64, void *, __u64) = (void *) 25;
static long (*redirect_map)(void *, __u64, __u64) = (void *) 51;
static long (*adjust_meta)(struct xdp_md *, int) = (void *) 54;
static long (*push)(void *, const void *, __u64) = (void *) 87;
static long (*pop)(void *, void *) = (void *) 88;
static long (*peek)(void *, void *) = (void *) 89;
static __u64 (*ringbuf_query)(void *, __u64) = (void *) 134;
static long (*buff_len)(struct xdp_md *) = (void *) 188;
static void *(*lookup_percpu)(void *, const void *, __u32) = (void *) 195;

__u32 calls;

INLINE void keep(__u32 which, __u64 answer) {
    __u32 key = which * 32 + calls % 32;
    map_update(&answers, &key, &answer, 0);
}

SEC("xdp") int helpers(struct xdp_md *ctx) {
    __u8 *p = DATA(ctx);
    if ((void *) (p + 14) > END(ctx))
        return XDP_ABORTED;
    __u8 a = p[0], b = p[1], c = p[2], d = p[3];
    __u64 value = a;
    calls++;
    keep(0, buff_len(ctx));
    __u8 room[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    keep(1, load_bytes(ctx, buff_len(ctx) - 8 + b % 3, room, 8));
    keep(2, *(__u64 *) room);
    keep(3, store_bytes(ctx, buff_len(ctx) - 8 + c % 3, room, 8));
    keep(4, load_bytes(ctx, -1, room, 1));
    keep(5, push(&queue, &value, b % 4) * 1000 + push(&stack, &value, c % 3));
    __u64 out = 7;
    keep(6, a & 1 ? pop(&queue, &out) : peek(&queue, &out));
    keep(7, out);
    out = 9;
    keep(8, a & 2 ? pop(&stack, &out) : peek(&stack, &out));
    keep(9, out);
    keep(10, perf_event_output(ctx, &events, b % 4, &value, 8));
    keep(11, ringbuf_output(&ring, &value, 8, d % 4 == 3 ? 8 : 0));
    keep(12, ringbuf_query(&ring, d % 6) - (d % 6 > 3));
    __u32 key = a % 20;
    keep(13, map_update(&percpu, &key, &value, b % 4));
    keep(14, lookup_percpu(&percpu, &key, 0xffff) != 0);
    keep(15, c % 8 == 0 ? map_delete(&percpu, &key) : 1);
    char format[] = "%d %u %llx %%\n";
    keep(16, trace_printk(format, sizeof(format), -a, (int) -b, value << 30));
    int head = (signed char) d * 4;
    switch (c % 4) {
    case 0:
        return redirect(a, d % 3);
    case 1:
        return redirect_map(&ports, a % 6, d % 8);
    case 2:
        keep(1, adjust_meta(ctx, (signed char) d));
        keep(2, adjust_head(ctx, head));
        return a % 5;
    default:
        keep(1, adjust_tail(ctx, head));
        keep(2, adjust_head(ctx, -300 + d));
        return a % 5;
    }
}
