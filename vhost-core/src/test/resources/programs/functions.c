/* Twenty functions that are called, not inlined, some by each other; what each was given counts. */
#include "net.h"

struct { __uint(type, HASH); __uint(max_entries, 512); __type(key, __u32); __type(value, __u64); }
    results SEC(".maps");
struct state { __u64 a, b; __u32 c, d; };

NOINLINE __u32 low(__u64 x) { return x * 2654435761u >> 7; }
NOINLINE __u64 rotate(__u64 x, __u32 by) { by &= 63; return by ? x << by | x >> (64 - by) : x; }
NOINLINE int sign(long x) { return x < 0 ? -1 : x > 0; }
NOINLINE __u64 divide(__u64 x, __u64 y) { return y ? x / y : x % 1000; }
NOINLINE __u32 swap16(__u32 x) { return __builtin_bswap16(x) | x << 16; }
NOINLINE __u64 swap64(__u64 x) { return __builtin_bswap64(x); }
NOINLINE __u64 add_state(struct state *s, __u64 x) { s->a += x; s->b ^= s->a; return s->b; }
NOINLINE __u64 mix_state(struct state *s, __u32 x) { s->c += x; s->d = s->c * 31; return add_state(s, s->d); }
NOINLINE int byte_at(struct xdp_md *ctx, __u32 at) {
    __u8 *p = DATA(ctx);
    if (at > 100)
        return -1;
    p += at;
    return (void *) (p + 1) > END(ctx) ? -1 : *p;
}
NOINLINE int word_at(struct xdp_md *ctx, __u32 at) {
    int high = byte_at(ctx, at), lo = byte_at(ctx, at + 1);
    return high < 0 || lo < 0 ? -1 : high << 8 | lo;
}
NOINLINE __u64 sum(struct xdp_md *ctx, __u32 from) {
    __u64 total = 0;
    for (int i = 0; i < 12; i++)
        total += byte_at(ctx, from + i);
    return total;
}
NOINLINE __u64 sum_twice(struct xdp_md *ctx) { return sum(ctx, 0) * 3 + sum(ctx, 20); }
NOINLINE long signed_part(__u64 x) { return (long) (short) x * (int) (x >> 16); }
NOINLINE __u64 choose(__u32 x, __u64 a, __u64 b, __u64 c, __u64 d) {
    switch (x & 3) { case 0: return a; case 1: return b; case 2: return c; default: return d; }
}
NOINLINE int record(__u32 key, __u64 value) { return map_update(&results, &key, &value, 0); }
NOINLINE __u64 recorded(__u32 key) { __u64 *value = map_lookup(&results, &key); return value ? *value : 77; }
NOINLINE int forget(__u32 key) { return map_delete(&results, &key); }
NOINLINE __u64 deep3(__u64 x) { return rotate(x, 9) ^ low(x); }
NOINLINE __u64 deep2(__u64 x) { return deep3(x + 1) + sign(x); }
NOINLINE __u64 deep1(__u64 x) { return deep2(divide(x, 7)) - 1; }

SEC("xdp") int functions(struct xdp_md *ctx) {
    struct state s = { 1, 2, 3, 4 };
    int kind = word_at(ctx, 12);
    if (kind < 0)
        return XDP_DROP;
    __u64 x = sum_twice(ctx) + kind;
    mix_state(&s, word_at(ctx, 30));
    x += mix_state(&s, low(x));
    x ^= choose(kind, deep1(x), swap64(x), swap16(x), signed_part(x));
    __u32 key = low(x) % 300;
    if (recorded(key) % 5 == 0)
        forget(key);
    else if (record(key, x))
        return XDP_ABORTED;
    return x % 3 + 1;
}
