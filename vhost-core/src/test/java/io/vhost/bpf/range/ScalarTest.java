package io.vhost.bpf.range;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is asked of numbers, and how they are written. */
class ScalarTest {
    private static Scalar with(Consumer<Bounds> change) {
        Bounds bounds = new Bounds();
        change.accept(bounds);
        return Scalar.from(bounds);
    }

    /** Each bound is looked at alone: one that is a number wider at one end is not contained. */
    @Test
    void aNumberContainsAnotherInAllItsBounds() {
        Scalar ten = Scalar.unsigned(5, 10);
        assertTrue(ten.contains(ten));
        assertFalse(ten.contains(4));
        assertTrue(ten.contains(5));
        assertTrue(ten.contains(10));
        assertFalse(ten.contains(11));
        assertFalse(ten.contains(Scalar.unsigned(4, 10)));
        assertFalse(ten.contains(Scalar.unsigned(5, 11)));
        Scalar signed = Scalar.signed(-3, 3);
        assertTrue(signed.contains(-3));
        assertFalse(signed.contains(-4));
        assertTrue(signed.contains(3));
        assertFalse(signed.contains(4));
        Scalar low = with(b -> b.signed32(-3, 3));
        assertTrue(low.contains(0x1_FFFF_FFFDL));
        assertFalse(low.contains(0x1_FFFF_FFFCL));
        assertTrue(low.contains(0x1_0000_0003L));
        assertFalse(low.contains(0x1_0000_0004L));
        Scalar unsignedLow = with(b -> b.unsigned32(5, -5));
        assertTrue(unsignedLow.contains(0x1_0000_0005L));
        assertFalse(unsignedLow.contains(0x1_0000_0004L));
        assertTrue(unsignedLow.contains(0x1_FFFF_FFFBL));
        assertFalse(unsignedLow.contains(0x1_FFFF_FFFCL));
        assertFalse(with(b -> b.bits(new Tnum(1, ~1L))).contains(Scalar.UNKNOWN));
    }

    @Test
    void aNumberIsKnownOrNot() {
        assertTrue(Scalar.of(7).is(7));
        assertFalse(Scalar.of(7).is(8));
        assertFalse(Scalar.unsigned(7, 8).is(7));
        assertTrue(Scalar.of(-7).isConstant32());
        assertFalse(Scalar.unsigned(7, 8).isConstant32());
        Scalar lowIsKnown = with(b -> b.unsigned32(9, 9));
        assertTrue(lowIsKnown.isConstant32());
        assertFalse(lowIsKnown.isConstant());
    }

    @ParameterizedTest
    @CsvSource({"1, 255, -128, 127", "2, 65535, -32768, 32767",
        "4, 4294967295, -2147483648, 2147483647"})
    void aLoadedNumberHasTheRangeOfItsBytes(int bytes, long unsignedMost, long least, long most) {
        Scalar unsigned = Scalar.loaded(bytes, false);
        assertEquals(Scalar.unsigned(0, unsignedMost), unsigned);
        assertEquals(unsignedMost, unsigned.umax());
        assertEquals(least, Scalar.loaded(bytes, true).smin());
        assertEquals(most, Scalar.loaded(bytes, true).smax());
        assertEquals(Scalar.UNKNOWN, Scalar.loaded(8, true));
        assertEquals(Scalar.UNKNOWN, Scalar.loaded(8, false));
    }

    @Test
    void theLowerBitsOfWhatFitsAreTheNumberItself() {
        Scalar fits = Scalar.unsigned(3, 255);
        assertEquals(fits, fits.low(8));
        assertEquals(Scalar.unsigned(0, 255), Scalar.unsigned(3, 256).low(8));
        assertEquals(fits, fits.low(64));
        assertEquals(fits.low32(), fits.low(32));
        Scalar lowFits = with(b -> b.unsigned32(3, 255));
        assertEquals(Scalar.unsigned(3, 255), lowFits.low(8));
        assertEquals(Scalar.unsigned(0, 255), with(b -> b.unsigned32(3, 256)).low(8));
        assertEquals(Scalar.unsigned(3, 65_535), with(b -> b.unsigned32(3, 65_535)).low(16));
    }

    /** As the kernel's log: what is as unknown as anything is left out. */
    @Test
    void onlyWhatIsKnownIsWritten() {
        assertEquals("scalar()", Scalar.UNKNOWN.toString());
        assertEquals("-5", Scalar.of(-5).toString());
        assertEquals("scalar(smin=0,smax=255,umax=255,var_off=(0x0; 0xff))",
                Scalar.unsigned(0, 255).toString());
        assertEquals("scalar(smin=-3,smax=9)", Scalar.signed(-3, 9).toString());
        assertEquals("scalar(smin=6,smax=1099511627776,umin=6,umax=1099511627776,"
                + "var_off=(0x0; 0x1ffffffffff))", Scalar.unsigned(6, 1L << 40).toString());
        assertEquals("scalar(smin=-9223372036854775802,smax=9223372032559808521,umin=6,"
                + "umax=18446744069414584329,smin32=6,smax32=9,umax32=9,"
                + "var_off=(0x0; 0xffffffff0000000f))", with(b -> b.unsigned32(6, 9)).toString());
        assertEquals("scalar(smin32=-6,smax32=9)", with(b -> b.signed32(-6, 9)).toString());
        assertEquals("scalar(smin=-9223372036854775802,smax=9223372036854775799,umin=6,"
                + "umax=18446744073709551607,umax32=4294967287)",
                with(b -> b.unsigned32(6, -9)).toString());
        assertTrue(with(b -> {
            b.unsigned(1L << 32, -1);
            b.unsigned32(6, -9);
        }).toString().contains(",umin32=6,"));
        assertEquals("0x10", Tnum.of(16).toString());
        assertEquals("(0x10; 0xf)", new Tnum(16, 15).toString());
    }
}
