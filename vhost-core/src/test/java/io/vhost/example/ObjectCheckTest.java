package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.bpf.Clang;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("peer")
class ObjectCheckTest {
    @TempDir
    private Path folder;

    @Test
    void programsAndTheirFunctionsAreComplainedAbout() throws Exception {
        assertEquals(List.of("""
                second: arg#0 is `struct __sk_buff *`, XDP programs take `struct xdp_md *`
                ; SEC("xdp") int second(struct __sk_buff *c) { return 2; } @ wrong.c:3
                """, """
                third: arg#0 is `struct xdp_md *`, SCHED_CLS programs take `struct __sk_buff *`
                ; __noinline int part(struct xdp_md *c) { return *(volatile __u32 *) &c->data; } @ wrong.c:1
                """), ObjectCheck.complaints(Clang.compile(folder, "wrong", """
                __noinline int part(struct xdp_md *c) { return *(volatile __u32 *) &c->data; }
                SEC("xdp") int first(struct xdp_md *c) { return part(c); }
                SEC("xdp") int second(struct __sk_buff *c) { return 2; }
                SEC("tc") int third(struct __sk_buff *c) { return part((void *) c); }
                """)));
    }
}
