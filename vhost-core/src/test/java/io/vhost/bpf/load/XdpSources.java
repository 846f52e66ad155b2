package io.vhost.bpf.load;

/** XDP programs after what people deploy, in C. */
final class XdpSources {
    private static final String HEAD = """
            typedef unsigned short __u16;
            #define __be16 __u16
            #define __be32 __u32
            #define inline_ static inline __attribute__((always_inline))
            #define htons(x) __builtin_bswap16(x)
            #define __array(name, type) type *name[]
            struct ethhdr { __u8 dst[6], src[6]; __be16 proto; } __attribute__((packed));
            struct vlanhdr { __be16 tci, proto; };
            struct iphdr { __u8 vihl, tos; __be16 len, id, frag; __u8 ttl, proto; __u16 check; \
            __be32 saddr, daddr; };
            struct udphdr { __be16 source, dest, len, check; };
            static void *(*lookup)(void *, const void *) = (void *) 1;
            static long (*update)(void *, const void *, const void *, __u64) = (void *) 2;
            static long (*erase)(void *, const void *) = (void *) 3;
            static long (*tail)(void *, void *, __u32) = (void *) 12;
            static long (*csum)(void *, __u32, void *, __u32, __u32) = (void *) 28;
            static long (*head)(struct xdp_md *, int) = (void *) 44;
            static long (*meta)(struct xdp_md *, int) = (void *) 54;
            static long (*trim)(struct xdp_md *, int) = (void *) 65;
            static long (*output)(void *, void *, __u64, __u64) = (void *) 130;
            static void *(*reserve)(void *, __u64, __u64) = (void *) 131;
            static void (*submit)(void *, __u64) = (void *) 132;
            static long (*bytes)(struct xdp_md *, __u32, void *, __u32) = (void *) 189;
            #define DATA(ctx) ((void *) (long) (ctx)->data)
            #define END(ctx) ((void *) (long) (ctx)->data_end)
            """;

    private XdpSources() {
    }

    /** What every source begins with: headers, helpers, the packet's ends. */
    static String head() {
        return HEAD;
    }

    /** Through VLAN tags to UDP, and drops one port. */
    static String filter() {
        return HEAD + """
                SEC("xdp") int filter(struct xdp_md *ctx) {
                    void *p = DATA(ctx), *end = END(ctx);
                    struct ethhdr *eth = p;
                    if ((void *) (eth + 1) > end) return 2;
                    __u16 proto = eth->proto;
                    p = eth + 1;
                    #pragma unroll
                    for (int i = 0; i < 2; i++) {
                        if (proto == htons(0x8100) || proto == htons(0x88a8)) {
                            struct vlanhdr *vlan = p;
                            if ((void *) (vlan + 1) > end) return 2;
                            proto = vlan->proto;
                            p = vlan + 1;
                        }
                    }
                    if (proto != htons(0x0800)) return 2;
                    struct iphdr *ip = p;
                    if ((void *) (ip + 1) > end || ip->proto != 17) return 2;
                    struct udphdr *udp = p + (ip->vihl & 15) * 4;
                    if ((void *) (udp + 1) > end) return 2;
                    return udp->dest == htons(53) ? 1 : 2;
                }
                """;
    }

    /** Counts bytes and packets of each source, of each protocol, and in a global variable. */
    static String counters() {
        return HEAD + """
                struct flow { __u64 packets, octets; };
                struct { __uint(type, 1); __uint(max_entries, 64); __type(key, __u32); \
                __type(value, struct flow); } flows SEC(".maps");
                struct { __uint(type, 2); __uint(max_entries, 256); __type(key, __u32); \
                __type(value, __u64); } protocols SEC(".maps");
                __u64 total;
                const volatile __u32 step = 3;
                SEC("xdp") int counters(struct xdp_md *ctx) {
                    void *p = DATA(ctx), *end = END(ctx);
                    struct iphdr *ip = p + sizeof(struct ethhdr);
                    if ((void *) (ip + 1) > end) return 1;
                    __u32 key = ip->proto;
                    __u64 *count = lookup(&protocols, &key);
                    if (count) __sync_fetch_and_add(count, step);
                    key = ip->saddr & 0x7f000000;
                    struct flow *flow = lookup(&flows, &key);
                    if (!flow) {
                        struct flow fresh = { 1, end - p };
                        if (update(&flows, &key, &fresh, 1)) return 0;
                    } else {
                        __sync_fetch_and_add(&flow->packets, 1);
                        __sync_fetch_and_add(&flow->octets, end - p);
                    }
                    if (ip->ttl == 1) erase(&flows, &key);
                    total += ip->tos;
                    return 2;
                }
                """;
    }

    /** Pops a VLAN tag or pushes one. */
    static String vlan() {
        return HEAD + """
                SEC("xdp") int vlan(struct xdp_md *ctx) {
                    void *end = END(ctx);
                    struct ethhdr *eth = DATA(ctx);
                    if ((void *) (eth + 1) + 4 > end) return 2;
                    struct ethhdr copy = *eth;
                    if (eth->proto == htons(0x8100)) {
                        copy.proto = *(__be16 *) ((void *) (eth + 1) + 2);
                        if (head(ctx, 4)) return 0;
                        eth = DATA(ctx);
                        if ((void *) (eth + 1) > END(ctx)) return 0;
                        *eth = copy;
                    } else {
                        if (head(ctx, -4)) return 0;
                        eth = DATA(ctx);
                        struct vlanhdr *tag = (void *) (eth + 1);
                        if ((void *) (tag + 1) > END(ctx)) return 0;
                        tag->tci = htons(42);
                        tag->proto = copy.proto;
                        copy.proto = htons(0x8100);
                        *eth = copy;
                    }
                    return 3;
                }
                """;
    }

    /** Puts IPv4 packets into IPv4 packets, with checksums; trims long ones. */
    static String tunnel() {
        return HEAD + """
                inline_ __u16 fold(__u32 sum) {
                    sum = (sum & 0xffff) + (sum >> 16);
                    sum = (sum & 0xffff) + (sum >> 16);
                    return ~sum;
                }
                SEC("xdp") int tunnel(struct xdp_md *ctx) {
                    void *end = END(ctx);
                    struct ethhdr *eth = DATA(ctx);
                    struct iphdr *ip = (void *) (eth + 1);
                    if ((void *) (ip + 1) > end || eth->proto != htons(0x0800)) return 2;
                    struct ethhdr outer = *eth;
                    __u16 length = __builtin_bswap16(ip->len);
                    __u32 from = ip->saddr;
                    if (head(ctx, -20)) return 1;
                    eth = DATA(ctx);
                    end = END(ctx);
                    ip = (void *) (eth + 1);
                    if ((void *) (ip + 1) > end) return 1;
                    *eth = outer;
                    ip->vihl = 0x45; ip->tos = 0; ip->len = htons(length + 20); ip->id = 0; ip->frag = 0;
                    ip->ttl = 8; ip->proto = 4; ip->check = 0; ip->saddr = from ^ 0x01020304;
                    ip->daddr = 0x0a00000a;
                    ip->check = fold(csum(0, 0, ip, sizeof(*ip), 0));
                    if (end - (void *) eth > 120) trim(ctx, -10);
                    return 3;
                }
                """;
    }

    /** Functions that are not inlined, one of them with a loop over the packet, and metadata. */
    static String parts() {
        return HEAD + """
                static __noinline int mixed(struct xdp_md *ctx, int from) {
                    __u8 *p = DATA(ctx), *end = END(ctx);
                    int sum = 0;
                    for (int i = 0; i < 40; i++) {
                        if (p + i + 1 > end) break;
                        sum = sum * 31 + p[i] + from;
                    }
                    return sum;
                }
                static __noinline int loaded(struct xdp_md *ctx, int at) {
                    __u64 word = 7;
                    if (bytes(ctx, at, &word, sizeof(word))) return -1;
                    return word % 1000 + (__u32) word / 7;
                }
                SEC("xdp") int parts(struct xdp_md *ctx) {
                    int sum = mixed(ctx, 3) + mixed(ctx, 5) + loaded(ctx, 9) + loaded(ctx, 60);
                    if (meta(ctx, -8)) return 0;
                    __u32 *m = (void *) (long) ctx->data_meta;
                    if ((void *) (m + 2) > DATA(ctx)) return 0;
                    m[0] = sum;
                    m[1] = m[0] >> 3;
                    return (m[1] ^ sum) & 0xffff;
                }
                """;
    }

    /** Ten programs that follow each other, and an eleventh that does not exist. */
    static String chain() {
        return HEAD + """
                struct { __uint(type, 3); __uint(max_entries, 12); __uint(key_size, 4); \
                __uint(value_size, 4); } next SEC(".maps");
                struct { __uint(type, 2); __uint(max_entries, 1); __type(key, __u32); \
                __type(value, __u32); } calls SEC(".maps");
                SEC("xdp") int chain(struct xdp_md *ctx) {
                    __u32 zero = 0;
                    __u32 *count = lookup(&calls, &zero);
                    if (!count) return 0;
                    *count += 1;
                    __u8 *p = DATA(ctx);
                    if ((void *) (p + 1) > END(ctx)) return 0;
                    p[0]++;
                    tail(ctx, &next, *count % 12);
                    return *count & 7;
                }
                """;
    }

    /** Samples packets to a ring buffer in both ways, and finds prefixes. */
    static String sampler() {
        return HEAD + """
                struct { __uint(type, 27); __uint(max_entries, 4096); } samples SEC(".maps");
                struct key { __u32 bits; __u8 address[4]; };
                struct { __uint(type, 11); __uint(max_entries, 32); __uint(map_flags, 1); \
                __type(key, struct key); __type(value, __u32); } prefixes SEC(".maps");
                SEC("xdp") int sampler(struct xdp_md *ctx) {
                    __u8 *p = DATA(ctx), *end = END(ctx);
                    if (p + 40 > end) return 0;
                    struct key key = { p[26] % 33, { p[27] & 3, p[28], p[29], p[30] } };
                    __u32 value = p[31];
                    int result = 0;
                    if (p[32] & 1) result = update(&prefixes, &key, &value, p[33] % 3);
                    if (p[32] & 2 && p[32] & 4) result += erase(&prefixes, &key);
                    key.bits = 32;
                    __u32 *found = lookup(&prefixes, &key);
                    if (found) result = result * 7 + *found;
                    if (p[32] & 8) {
                        __u64 *record = reserve(&samples, 16, 0);
                        if (!record) return -5;
                        record[0] = value;
                        record[1] = result;
                        submit(record, 0);
                    } else {
                        result += output(&samples, &key, sizeof(key), 0) * 100;
                    }
                    return result & 0xffff;
                }
                """;
    }
}
