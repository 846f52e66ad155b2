package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingViolation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When a notification is due in a packed ring: against the definition, step by step. */
class PackedEventTest {
    private static final int DESC = PackedLayout.EVENT_DESC << 16;

    /** A position and its wrap counter after so many descriptors since the beginning of all. */
    private static int offWrap(long count, int size) {
        return PackedLayout.offWrap((int) (count % size), count / size % 2 == 0);
    }

    /** Due is it exactly if the event's descriptor is among those stepped over, the last lap of them. */
    private static boolean isAmong(int event, long from, long to, int size) {
        for (long count = Math.max(from, to - size); count < to; count++) {
            if (offWrap(count, size) == event) {
                return true;
            }
        }
        return false;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void itIsDueExactlyWhenTheEventWasPassed(int size) {
        for (int from = 2 * size; from < 4 * size; from++) {
            for (int moved = 0; moved <= 3 * size; moved++) {
                for (int at = 0; at < 2 * size; at++) {
                    int event = offWrap(at, size);
                    PackedEvent question = new PackedEvent(size, true);
                    for (int i = 0; i < moved; i++) {
                        question.advance(1);
                    }
                    assertEquals(isAmong(event, from, from + moved, size),
                            question.wanted(DESC | event, offWrap(from + moved, size), false),
                            "size=" + size + " from=" + from + " moved=" + moved + " event=" + at);
                    assertFalse(question.wanted(DESC | event, offWrap(from + moved, size), false),
                            "nothing was passed since");
                    assertTrue(question.wanted(DESC | event, offWrap(from + moved, size), true));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {255, 256, 1000, 32767, 32768})
    void itIsDueExactlyWhenTheEventWasPassedInLargeRings(int size) {
        long[] positions = {0, 1, size - 1, size, size + 1, 2L * size - 1};
        int[] moves = {0, 1, 2, size / 2, size - 1, size, size + 1, 2 * size + 1};
        for (long from : positions) {
            for (int moved : moves) {
                long to = from + moved;
                for (long at : new long[] {from - 1, from, from + 1, to - size - 1, to - size, to - size + 1,
                    to - 1, to, to + 1}) {
                    int event = offWrap(at + 4L * size, size);
                    PackedEvent question = new PackedEvent(size, true);
                    question.advance(moved / 2);
                    question.advance(moved - moved / 2);
                    assertEquals(isAmong(event, from + 4L * size, to + 4L * size, size),
                            question.wanted(DESC | event, offWrap(to, size), false),
                            "size=" + size + " from=" + from + " moved=" + moved + " event=" + at);
                }
            }
        }
    }

    /** A driver that sleeps has set the event where it found nothing: nothing may be lost at any distance. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7})
    void aSleeperIsWokenByTheFirstDescriptorHoweverManyFollow(int size) {
        for (int from = 0; from < 2 * size; from++) {
            for (int moved = 1; moved <= size; moved++) {
                PackedEvent question = new PackedEvent(size, true);
                question.advance(moved);
                assertTrue(question.wanted(DESC | offWrap(from, size), offWrap(from + moved, size), false));
            }
        }
    }

    @Test
    void flagsDecideWhereTheyAreNotForOnePosition() {
        for (boolean eventIdx : new boolean[] {false, true}) {
            for (int reserved = 0; reserved < 1 << 14; reserved += 0x1111) {
                PackedEvent question = new PackedEvent(4, eventIdx);
                int flags = reserved << 18;
                assertTrue(question.wanted(flags | 0x7FFF, 0, false), "reserved bits are ignored");
                assertFalse(question.wanted(flags | 1 << 16, 0, false));
                assertFalse(question.wanted(flags | 1 << 16, 0, true));
                assertNull(question.violation());
            }
        }
    }

    @Test
    void whatTheOtherEndMayNotSayCountsAsAYes() {
        assertRefused(3 << 16, true, RingViolation.EVENT_FLAGS_RESERVED, 3);
        assertRefused(3 << 16, false, RingViolation.EVENT_FLAGS_RESERVED, 3);
        assertRefused(-1, true, RingViolation.EVENT_FLAGS_RESERVED, 3);
        assertRefused(DESC, false, RingViolation.EVENT_FLAGS_RESERVED, 2);
        assertRefused(DESC | 5, true, RingViolation.EVENT_OFFSET_OUT_OF_RANGE, 5);
        assertRefused(DESC | 0x8005, true, RingViolation.EVENT_OFFSET_OUT_OF_RANGE, 5);
        assertRefused(DESC | 0x7FFF, true, RingViolation.EVENT_OFFSET_OUT_OF_RANGE, 0x7FFF);
        assertRefused(DESC | 0xFFFF, true, RingViolation.EVENT_OFFSET_OUT_OF_RANGE, 0x7FFF);
        PackedEvent question = new PackedEvent(5, true);
        question.wanted(DESC | 0x8004, 0, false);
        assertNull(question.violation());
    }

    private static void assertRefused(int event, boolean eventIdx, RingViolation violation, int detail) {
        PackedEvent question = new PackedEvent(5, eventIdx);
        assertTrue(question.wanted(event, 0, false));
        assertEquals(violation, question.violation());
        assertEquals(detail, question.violationDetail());
    }
}
