package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.bpf.btf.BtfExt.FunctionInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the parts of {@code .BTF.ext} end: records that just fit, and those that do not. */
class BtfExtTest {
    private static final int HEADER = 24;
    private static final int FUNCTION = 8;

    private final BtfBuilder builder = new BtfBuilder();
    private final int section = builder.string("xdp");
    private final int type = builder.integer("int", 4, 0);

    /** Functions in one section whose header says that there are {@code count}, in a part of some length. */
    private BtfExt functions(int recordSize, int records, int count, int partBytes) throws BtfException {
        ByteBuffer blob = ByteBuffer.allocate(HEADER + Math.max(partBytes, 12 + recordSize * records))
                .order(ByteOrder.LITTLE_ENDIAN);
        blob.putShort((short) BtfHeader.MAGIC).put((byte) 1).put((byte) 0).putInt(HEADER)
                .putInt(0).putInt(partBytes).putInt(partBytes).putInt(0)
                .putInt(recordSize).putInt(section).putInt(count);
        for (int i = 0; i < records; i++) {
            blob.putInt(8 * i).putInt(type).position(blob.position() + recordSize - FUNCTION);
        }
        byte[] bytes = new byte[HEADER + partBytes];
        blob.get(0, bytes);
        return BtfExt.parse(bytes, Btf.parse(builder.build()));
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 12, 400})
    void recordsThatJustFitAreRead(int recordSize) throws BtfException {
        assertEquals(List.of(new FunctionInfo(0, type), new FunctionInfo(8, type)),
                functions(recordSize, 2, 2, 12 + 2 * recordSize).functions("xdp"));
    }

    /** By a byte, by all but its first, and by a whole one. */
    @ParameterizedTest
    @CsvSource({"8, 1", "8, 4", "8, 7", "8, 8", "12, 1", "12, 12"})
    void aRecordThatIsShortAtTheVeryEndIsRefused(int recordSize, int missing) {
        int bytes = 12 + 2 * recordSize - missing;
        BtfException refusal = assertThrows(BtfException.class, () -> functions(recordSize, 2, 2, bytes));
        assertEquals("section with 2 records of " + recordSize + " bytes in " + (bytes - 12), refusal.text());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 7})
    void aSectionHeaderThatIsShortAtTheVeryEndIsRefused(int rest) {
        int bytes = 12 + FUNCTION + rest;
        BtfException refusal = assertThrows(BtfException.class, () -> functions(FUNCTION, 1, 1, bytes));
        assertEquals("section header of " + rest + " bytes", refusal.text());
    }

    @Test
    void aSectionOfNoRecordsIsRefused() {
        BtfException refusal = assertThrows(BtfException.class, () -> functions(FUNCTION, 0, 0, 12));
        assertEquals("section with 0 records of 8 bytes in 0", refusal.text());
    }

    @ParameterizedTest
    @CsvSource({"4, invalid info rec size 4", "7, invalid info rec size 7", "9, invalid info rec size 9"})
    void aRecordSizeThatIsTooSmallOrOddIsRefused(int recordSize, String text) {
        BtfException refusal = assertThrows(BtfException.class, () -> functions(recordSize, 0, 1, 12));
        assertEquals(text, refusal.text());
    }
}
