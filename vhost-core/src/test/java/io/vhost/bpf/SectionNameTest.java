package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.context.AttachType;
import io.vhost.bpf.context.ProgramType;
import io.vhost.bpf.context.SectionName;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SectionNameTest {
    @Test
    void anExactNameMatchesOnlyItself() {
        assertEquals(ProgramType.XDP, SectionName.of("xdp").orElseThrow().type());
        assertEquals(Optional.of(AttachType.XDP_DEVMAP),
                SectionName.of("xdp/devmap").orElseThrow().attachType());
        assertTrue(SectionName.of("xdp/other").isEmpty());
        assertTrue(SectionName.of("xdp_old").isEmpty());
        assertTrue(SectionName.of("").isEmpty());
    }

    @Test
    void aPatternMatchesWithAndWithoutExtras() {
        assertEquals(ProgramType.KPROBE, SectionName.of("kprobe").orElseThrow().type());
        assertEquals(ProgramType.KPROBE, SectionName.of("kprobe/vfs_read").orElseThrow().type());
        assertEquals(Optional.of(AttachType.TRACE_KPROBE_MULTI),
                SectionName.of("kprobe.multi/vfs_*").orElseThrow().attachType());
        assertTrue(SectionName.of("kprobed").isEmpty());
    }

    @Test
    void sleepablePartsAndOptionalProgramsAreKnown() {
        assertTrue(SectionName.of("fentry.s/vfs_read").orElseThrow().sleepable());
        assertTrue(SectionName.of("syscall").orElseThrow().sleepable());
        assertEquals(ProgramType.STRUCT_OPS, SectionName.of("?struct_ops/init").orElseThrow().type());
    }

    @Test
    void everyProgramTypeButNoneTwiceHasAName() {
        Set<ProgramType> types = new HashSet<>();
        Set<String> patterns = new HashSet<>();
        for (SectionName name : SectionName.all()) {
            types.add(name.type());
            assertTrue(patterns.add(name.pattern()), name::pattern);
            assertEquals(name, SectionName.of(name.pattern().replace("+", "")).orElseThrow());
        }
        assertEquals(Set.of(ProgramType.values()), types);
    }
}
