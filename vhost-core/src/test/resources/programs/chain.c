/* Ten programs one behind the other; each changes the packet, and may end the chain. */
#include "net.h"

#define STAGE(n) int stage##n(struct xdp_md *ctx);
STAGE(1) STAGE(2) STAGE(3) STAGE(4) STAGE(5) STAGE(6) STAGE(7) STAGE(8) STAGE(9)
struct { __uint(type, PROG_ARRAY); __uint(max_entries, 10); __uint(key_size, 4); __array(values, int (void *)); }
    stages SEC(".maps") = { .values = { [1] = (void *) &stage1, [2] = (void *) &stage2,
        [3] = (void *) &stage3, [4] = (void *) &stage4, [5] = (void *) &stage5, [6] = (void *) &stage6,
        [7] = (void *) &stage7, [8] = (void *) &stage8, [9] = (void *) &stage9 } };
struct { __uint(type, ARRAY); __uint(max_entries, 10); __type(key, __u32); __type(value, __u64); }
    visits SEC(".maps");

INLINE int stage(struct xdp_md *ctx, __u32 n) {
    __u64 *count = map_lookup(&visits, &n);
    if (count)
        __sync_fetch_and_add(count, 1);
    __u8 *p = DATA(ctx);
    if ((void *) (p + 15) > END(ctx))
        return XDP_DROP;
    p[14] = p[14] * 5 + n;
    if (p[14] % 16 == 7)
        return XDP_TX;
    tail_call(ctx, &stages, n + 1);
    return n == 9 ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp") int chain(struct xdp_md *ctx) { return stage(ctx, 0); }
#undef STAGE
#define STAGE(n) SEC("xdp") int stage##n(struct xdp_md *ctx) { return stage(ctx, n); }
STAGE(1) STAGE(2) STAGE(3) STAGE(4) STAGE(5) STAGE(6) STAGE(7) STAGE(8) STAGE(9)
