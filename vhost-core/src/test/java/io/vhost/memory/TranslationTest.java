package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.state.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every address and length of small tables, against a model that knows each byte by itself. */
class TranslationTest {
    private static final int UNIVERSE = 24; // bytes of guest memory that a table may use
    private static final int WINDOW = 64;

    private final MemorySegment window = Arena.ofAuto().allocate(WINDOW);

    /** Where each byte of the universe is, or {@link GuestMemory#UNMAPPED}. */
    private final long[] windowOf = new long[UNIVERSE];
    private final long[] userOf = new long[UNIVERSE];

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 0x1000, Long.MAX_VALUE - 11, Long.MIN_VALUE, -UNIVERSE - 1, -UNIVERSE})
    void everyRangeOfEveryTableIsTranslatedAsByteByByte(long base) {
        SplittableRandom random = new SplittableRandom(base);
        for (int table = 0; table < 400; table++) {
            MemoryRegion[] regions = randomTable(base, random);
            GuestMemory memory = GuestMemory.of(window, regions);
            AddressTranslator translator = new AddressTranslator(memory);
            for (int address = -3; address < UNIVERSE + 3; address++) {
                int contiguous = contiguousInModel(address);
                long guest = base + address;
                assertEquals(contiguous, memory.contiguousLength(guest), "memory");
                assertEquals(contiguous, translator.contiguousLength(guest), "translator");
                for (int length = -1; length < UNIVERSE + 3; length++) {
                    long expected =
                            length >= 1 && length <= contiguous ? windowOf[address] : GuestMemory.UNMAPPED;
                    assertEquals(expected, memory.translate(guest, length), "memory");
                    assertEquals(expected, translator.translate(guest, length), "translator");
                }
            }
            assertRandomOrderAgrees(memory, base, random);
        }
    }

    @Test
    void extremeLengthsAreNowhere() {
        MemoryRegion low = new MemoryRegion(16, 16, 16, 0);
        MemoryRegion top = new MemoryRegion(-16, -16, 16, 32); // ends with the address space
        GuestMemory memory = GuestMemory.of(window, low, top);
        AddressTranslator translator = new AddressTranslator(memory);
        long[] addresses = {0, 15, 16, 31, 32, -17, -16, -1, Long.MAX_VALUE, Long.MIN_VALUE};
        long[] lengths = {
            0, -1, 17, 1L << 32, Long.MAX_VALUE - 15, Long.MAX_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 16,
        };
        for (long address : addresses) {
            for (long length : lengths) {
                assertEquals(GuestMemory.UNMAPPED, memory.translate(address, length));
                assertEquals(GuestMemory.UNMAPPED, memory.translateUser(address, length));
                assertEquals(GuestMemory.UNMAPPED, translator.translate(address, length));
            }
        }
        assertEquals(47, translator.translate(-1, 1));
        assertEquals(GuestMemory.UNMAPPED, translator.translate(-1, 2));
        assertEquals(15, translator.translate(31, 1));
    }

    /** The translator remembers; so each answer must not depend on the questions before. */
    private static void assertRandomOrderAgrees(GuestMemory memory, long base, SplittableRandom random) {
        AddressTranslator translator = new AddressTranslator(memory);
        for (int i = 0; i < 100; i++) {
            long guest = base + random.nextInt(-3, UNIVERSE + 3);
            long length = random.nextInt(0, 8);
            assertEquals(memory.translate(guest, length), translator.translate(guest, length));
            assertEquals(memory.contiguousLength(guest), translator.contiguousLength(guest));
        }
    }

    /** Regions with and without holes between them, in the guest, in the front-end and in the window. */
    private MemoryRegion[] randomTable(long base, SplittableRandom random) {
        for (int i = 0; i < UNIVERSE; i++) {
            windowOf[i] = GuestMemory.UNMAPPED;
        }
        int count = random.nextInt(1, 5);
        MemoryRegion[] regions = new MemoryRegion[count];
        int guest = random.nextInt(3);
        long user = random.nextLong() >>> 1;
        long place = 0;
        for (int region = 0; region < count; region++) {
            // The last one may end with the universe, and so with the address space.
            int size = region == 3 ? UNIVERSE - guest : random.nextInt(1, 6);
            regions[count - 1 - region] = new MemoryRegion(base + guest, user, size, place);
            for (int i = 0; i < size; i++) {
                windowOf[guest + i] = place + i;
                userOf[guest + i] = user + i;
            }
            guest += size + random.nextInt(2);
            user += size + random.nextInt(2);
            place += size + random.nextInt(2);
        }
        return regions;
    }

    private int contiguousInModel(int address) {
        if (address < 0 || address >= UNIVERSE || windowOf[address] == GuestMemory.UNMAPPED) {
            return 0;
        }
        int end = address + 1;
        while (end < UNIVERSE
                && windowOf[end] == windowOf[end - 1] + 1
                && userOf[end] == userOf[end - 1] + 1) {
            end++;
        }
        return end - address;
    }
}
