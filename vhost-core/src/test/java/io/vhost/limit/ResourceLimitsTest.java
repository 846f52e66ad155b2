package io.vhost.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.SystemLimits;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ResourceLimitsTest {
    private static final long GIB = 1L << 30;

    @Test
    void defaultsFollowTheSystem() {
        assertEquals(new ResourceLimits(256, 1023, 127, 2047, 4095, 1024 * GIB, 32768 * GIB,
                        65536 * GIB, 937, 7500, 15000),
                new ResourceLimits.Builder(20000, 16382, 16 * GIB).build());
        assertEquals(new ResourceLimits(256, 2500, 509, 8191, 16382, 1024 * GIB, 32768 * GIB,
                        65536 * GIB, 937, 7500, 15000),
                new ResourceLimits.Builder(20000, 65530, 16 * GIB).build());
        assertEquals(new ResourceLimits(64, 128, 509, 8191, 16382, 4096 * GIB, 32768 * GIB,
                        65536 * GIB, 256, 384, 768),
                new ResourceLimits.Builder(1024, 65530, 2048 * GIB).build());
        assertEquals(new ResourceLimits(256, 4095, 509, 8191, 16382, 1024 * GIB, 32768 * GIB,
                        65536 * GIB, 2048, 393216, 786432),
                new ResourceLimits.Builder(1 << 20, 65530, 0).build());
    }

    @Test
    void aSystemThatGrantsAlmostNothingGetsLimitsAllTheSame() {
        assertEquals(new ResourceLimits(1, 1, 8, 1, 1, 1024 * GIB, 32768 * GIB, 65536 * GIB, 1, 1, 1),
                new ResourceLimits.Builder(0, 0, 0).build());
    }

    @Test
    void thisSystemIsAsked() {
        assertNotEquals(0, SystemLimits.memory());
        assertTrue(SystemLimits.openFiles() >= 64 && SystemLimits.mappings() >= 64);
        assertEquals(ResourceLimits.defaults(), ResourceLimits.builder().build());
    }

    @Test
    void limitsOutOfRangeAreRefusedByName() {
        List<Consumer<ResourceLimits.Builder>> wrong = List.of(
                b -> b.connections(0), b -> b.processConnections(0), b -> b.regions(510),
                b -> b.serverMappings(0), b -> b.processMappings(0), b -> b.mappedBytes(0),
                b -> b.serverMappedBytes(0), b -> b.processMappedBytes(-1), b -> b.descriptors(0),
                b -> b.serverDescriptors(0), b -> b.processDescriptors(0));
        List<String> names = Arrays.stream(ResourceLimits.class.getRecordComponents())
                .map(component -> component.getName()).toList();
        for (int i = 0; i < wrong.size(); i++) {
            ResourceLimits.Builder builder = ResourceLimits.builder();
            wrong.get(i).accept(builder);
            String text = assertThrows(IllegalArgumentException.class, builder::build).getMessage();
            assertTrue(text.startsWith(names.get(i) + "="), text);
        }
        assertEquals(509, ResourceLimits.builder().regions(509).build().regions());
    }
}
