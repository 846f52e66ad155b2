package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.ring.RingFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** That the hostile matrix has no holes but those that are named. */
class HostileClassTest {
    @Test
    void theClassesAreNumberedWithoutAGap() {
        assertEquals(IntStream.rangeClosed(1, 28).boxed().toList(),
                List.of(HostileClass.values()).stream().map(HostileClass::number).toList());
    }

    @Test
    void theCellsThatCannotBeAreThese() {
        List<String> missing = new ArrayList<>();
        for (HostileClass hostile : HostileClass.values()) {
            for (RingFormat format : RingFormat.values()) {
                if (!hostile.isOf(format)) {
                    missing.add(hostile.number() + " " + format);
                }
            }
        }
        assertEquals(
                List.of("1 PACKED", "2 PACKED", "4 PACKED", "5 PACKED", "6 PACKED", "21 SPLIT"), missing);
    }

    @Test
    void onlyTheFlipperIsElsewhere() {
        List<HostileClass> empty = new ArrayList<>(List.of(HostileClass.values()));
        empty.removeIf(hostile -> !hostile.acts().isEmpty());
        assertEquals(List.of(HostileClass.FLIPPER), empty);
    }
}
