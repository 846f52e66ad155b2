package io.vhost.bpf.load;

/** More programs after what people deploy, in C: those that are hard for a verifier. */
final class DeployedSources {
    private DeployedSources() {
    }

    /** Walks over the labels of a DNS name, byte by byte, with a hash; a list says which names to drop. */
    static String names() {
        return XdpSources.head() + """
                struct { __uint(type, 1); __uint(max_entries, 64); __type(key, __u32); \
                __type(value, __u32); } blocked SEC(".maps");
                SEC("xdp") int names(struct xdp_md *ctx) {
                    void *end = END(ctx);
                    struct ethhdr *eth = DATA(ctx);
                    struct iphdr *ip = (void *) (eth + 1);
                    if ((void *) (ip + 1) > end || eth->proto != htons(0x0800) || ip->proto != 17) return 2;
                    struct udphdr *udp = (void *) ip + (ip->vihl & 15) * 4;
                    if ((void *) (udp + 1) > end || udp->dest != htons(53)) return 2;
                    __u8 *name = (void *) (udp + 1) + 12;
                    __u32 hash = 5381, left = 0;
                    for (int i = 0; i < 64; i++) {
                        if ((void *) (name + i + 1) > end) return 2;
                        __u8 c = name[i];
                        if (left == 0) {
                            if (c == 0) break;
                            if (c > 63) return 1;
                            left = c;
                        } else {
                            left--;
                            hash = hash * 33 + (c | 0x20);
                        }
                    }
                    __u32 *found = lookup(&blocked, &hash);
                    if (!found) return 2;
                    __sync_fetch_and_add(found, 1);
                    return 1;
                }
                """;
    }

    /** Goes through IPv6 extension headers to the ports behind them. */
    static String extensions() {
        return XdpSources.head() + """
                struct ip6hdr { __u32 flow; __be16 len; __u8 next, hops; __u32 from[4], to[4]; };
                struct flow { __u32 from[4], to[4]; __u16 source, dest; __u8 proto; };
                struct { __uint(type, 5); __uint(max_entries, 64); __type(key, struct flow); \
                __type(value, __u64); } flows SEC(".maps");
                SEC("xdp") int extensions(struct xdp_md *ctx) {
                    void *end = END(ctx);
                    struct ethhdr *eth = DATA(ctx);
                    struct ip6hdr *ip = (void *) (eth + 1);
                    if ((void *) (ip + 1) > end || eth->proto != htons(0x86dd)) return 2;
                    void *p = ip + 1;
                    __u8 next = ip->next;
                    for (int i = 0; i < 6; i++) {
                        if (next != 0 && next != 43 && next != 60) break;
                        __u8 *extension = p;
                        if ((void *) (extension + 2) > end) return 1;
                        next = extension[0];
                        p += 8 + extension[1] * 8;
                    }
                    struct udphdr *udp = p;
                    if ((next != 6 && next != 17) || (void *) (udp + 1) > end) return 2;
                    struct flow flow = {};
                    __builtin_memcpy(flow.from, ip->from, 16);
                    __builtin_memcpy(flow.to, ip->to, 16);
                    flow.source = udp->source;
                    flow.dest = udp->dest;
                    flow.proto = next;
                    __u64 *count = lookup(&flows, &flow);
                    __u64 one = 1;
                    if (count) *count += 1; else update(&flows, &flow, &one, 1);
                    return 2;
                }
                """;
    }

    /** A bucket of tokens for each source. */
    static String limiter() {
        return XdpSources.head() + """
                struct bucket { __u64 at; __u32 tokens, dropped; };
                struct { __uint(type, 9); __uint(max_entries, 64); __type(key, __u32); \
                __type(value, struct bucket); } buckets SEC(".maps");
                static __u64 (*now)(void) = (void *) 5;
                SEC("xdp") int limiter(struct xdp_md *ctx) {
                    struct ethhdr *eth = DATA(ctx);
                    struct iphdr *ip = (void *) (eth + 1);
                    if ((void *) (ip + 1) > END(ctx)) return 2;
                    __u32 from = ip->saddr;
                    __u64 time = now();
                    struct bucket *b = lookup(&buckets, &from);
                    if (!b) {
                        struct bucket fresh = { time, 9, 0 };
                        update(&buckets, &from, &fresh, 0);
                        return 2;
                    }
                    __u64 earned = (time - b->at) / 1000000;
                    if (earned) {
                        b->at = time;
                        b->tokens = b->tokens + earned > 10 ? 10 : b->tokens + earned;
                    }
                    if (b->tokens) { b->tokens--; return 2; }
                    b->dropped++;
                    return 1;
                }
                """;
    }

    /** Puts an option behind those that are there, with the packet made longer. */
    static String option() {
        return XdpSources.head() + """
                static long (*put)(struct xdp_md *, __u32, void *, __u32) = (void *) 190;
                SEC("xdp") int option(struct xdp_md *ctx) {
                    void *end = END(ctx);
                    __u8 *p = DATA(ctx);
                    if ((void *) (p + 50) > end) return 2;
                    __u32 length = end - (void *) p, at = 50;
                    for (int i = 0; i < 16; i++) {
                        __u8 header[2];
                        if (at + 2 > length || bytes(ctx, at, header, 2)) return 2;
                        if (header[0] == 255) break;
                        at += 2 + header[1];
                    }
                    if (at >= length || trim(ctx, 6)) return 1;
                    __u8 added[7] = { 82, 4, 1, 2, 3, 4, 255 };
                    if (put(ctx, at, added, sizeof(added))) return 1;
                    end = END(ctx);
                    p = DATA(ctx);
                    struct iphdr *ip = (void *) (p + 14);
                    if ((void *) (ip + 1) > end) return 1;
                    ip->len = htons(__builtin_bswap16(ip->len) + 6);
                    return 3;
                }
                """;
    }

    /** Rewrites an address and its checksums by what has changed. */
    static String nat() {
        return XdpSources.head() + """
                struct { __uint(type, 2); __uint(max_entries, 16); __type(key, __u32); \
                __type(value, __u32); } targets SEC(".maps");
                inline_ __u16 patched(__u16 check, __u32 before, __u32 after) {
                    __u32 sum = csum(&before, 4, &after, 4, (__u16) ~check);
                    sum = (sum & 0xffff) + (sum >> 16);
                    return ~((sum & 0xffff) + (sum >> 16));
                }
                SEC("xdp") int nat(struct xdp_md *ctx) {
                    void *end = END(ctx);
                    struct ethhdr *eth = DATA(ctx);
                    struct iphdr *ip = (void *) (eth + 1);
                    struct udphdr *udp = (void *) (ip + 1);
                    if ((void *) (udp + 1) > end || ip->vihl != 0x45 || ip->proto != 17) return 2;
                    __u32 key = (ip->daddr ^ udp->dest * 0x9e3779b1) >> 28;
                    __u32 *target = lookup(&targets, &key);
                    if (!target || !*target) return 2;
                    __u32 before = ip->daddr, after = *target;
                    ip->check = patched(ip->check, before, after);
                    if (udp->check) udp->check = patched(udp->check, before, after);
                    ip->daddr = after;
                    __u8 swapped[6];
                    __builtin_memcpy(swapped, eth->dst, 6);
                    __builtin_memcpy(eth->dst, eth->src, 6);
                    __builtin_memcpy(eth->src, swapped, 6);
                    return 3;
                }
                """;
    }

    /** Twenty functions, which call each other, and a table on the stack that is used by number. */
    static String functions() {
        StringBuilder source = new StringBuilder(XdpSources.head());
        for (int i = 20; i > 0; i--) {
            String next = i % 4 == 0 || i == 20 ? "n * 3 + i" : "f" + (i + 1) + "(ctx, table, n + i)";
            source.append("static __noinline int f").append(i).append("""
                    (struct xdp_md *ctx, __u32 *table, int n) {
                        int i = %d;
                        __u8 *p = DATA(ctx);
                        if ((void *) (p + 20 + i) <= END(ctx)) n += p[19 + i];
                        table[n & 7] += i;
                        return table[(n >> 3) & 7] + %s;
                    }
                    """.formatted(i, next));
        }
        return source.append("""
                SEC("xdp") int functions(struct xdp_md *ctx) {
                    __u32 table[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
                    int n = f1(ctx, table, 0) + f5(ctx, table, 1) + f9(ctx, table, 2);
                    n += f13(ctx, table, 3) + f17(ctx, table, 4);
                    return (n ^ table[n & 7]) & 0xffff;
                }
                """).toString();
    }

    /** Chooses one of many targets by consistent hashing, from a map in a map; the kernel needs its type. */
    static String balancer() {
        return XdpSources.head() + """
                struct ring { __uint(type, 2); __uint(max_entries, 256); __type(key, __u32); \
                __type(value, __u32); };
                struct { __uint(type, 12); __uint(max_entries, 4); __uint(key_size, 4); \
                struct ring *values[]; } services SEC(".maps");
                struct { __uint(type, 6); __uint(max_entries, 512); __type(key, __u32); \
                __type(value, __u64[2]); } counts SEC(".maps");
                #define ROL(x, k) (((x) << (k)) | ((x) >> (32 - (k))))
                #define MIX(a, b, c) { a -= c; a ^= ROL(c, 4); c += b; b -= a; b ^= ROL(a, 6); a += c; \
                c -= b; c ^= ROL(b, 8); b += a; a -= c; a ^= ROL(c, 16); c += b; b -= a; b ^= ROL(a, 19); \
                a += c; c -= b; c ^= ROL(b, 4); b += a; }
                SEC("xdp") int balancer(struct xdp_md *ctx) {
                    void *end = END(ctx);
                    struct ethhdr *eth = DATA(ctx);
                    struct iphdr *ip = (void *) (eth + 1);
                    struct udphdr *udp = (void *) (ip + 1);
                    if ((void *) (udp + 1) > end || ip->vihl != 0x45) return 2;
                    __u32 a = ip->saddr, b = ip->daddr, c = udp->source << 16 | udp->dest, round;
                    for (round = 0; round < 4; round++) { MIX(a, b, c) }
                    __u32 service = ip->daddr >> 30, slot = c & 255;
                    void *ring = lookup(&services, &service);
                    if (!ring) return 2;
                    __u32 *target = lookup(ring, &slot);
                    if (!target) return 2;
                    __u32 index = *target & 511;
                    __u64 *count = lookup(&counts, &index);
                    if (count) { count[0]++; count[1] += end - (void *) eth; }
                    __u32 to = 0x0a000000 | *target;
                    if (head(ctx, -20)) return 1;
                    eth = DATA(ctx);
                    ip = (void *) (eth + 1);
                    if ((void *) (ip + 1) > END(ctx)) return 1;
                    ip->vihl = 0x45; ip->proto = 4; ip->ttl = 64; ip->daddr = to; ip->saddr = a;
                    return 3;
                }
                """;
    }
}
