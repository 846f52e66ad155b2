package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Proc;
import io.vhost.state.MemoryRegion;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTranslatorTest {
    private static final int SMALL = 100; // bytecodes; far below what stops the compiler from inlining

    @ParameterizedTest
    @ValueSource(strings = {"translate", "contiguousLength"})
    void theFastPathStaysSmall(String method) throws IOException {
        byte[] bytes;
        try (InputStream file = AddressTranslator.class.getResourceAsStream("AddressTranslator.class")) {
            bytes = file.readAllBytes();
        }
        int length = ClassFile.of().parse(bytes).methods().stream()
                .filter(candidate -> candidate.methodName().equalsString(method))
                .flatMap(candidate -> candidate.code().stream())
                .mapToInt(code -> ((CodeAttribute) code).codeLength())
                .sum();
        assertTrue(length > 0 && length < SMALL, method + " has " + length + " bytecodes");
    }

    @Test
    void translatingDoesNotAllocateWhicheverRegionIsRemembered() {
        try (Arena arena = Arena.ofConfined()) {
            AddressTranslator translator = new AddressTranslator(GuestMemory.of(
                    arena.allocate(64), new MemoryRegion(0, 0, 16, 0), new MemoryRegion(1024, 1024, 16, 32)));
            alternate(translator, 20_000);
            long before = Proc.allocatedBytes();
            long sum = alternate(translator, 20_000);
            long allocated = Proc.allocatedBytes() - before;
            assertEquals(20_000 * (8 + 40 - 1 + 8), sum);
            assertTrue(allocated < 20_000, "allocated=" + allocated + " bytes in 20000 rounds");
        }
    }

    private static long alternate(AddressTranslator translator, int rounds) {
        long sum = 0;
        for (int i = 0; i < rounds; i++) {
            sum += translator.translate(8, 8);
            sum += translator.translate(1032, 8);
            sum += translator.translate(512, 1);
            sum += translator.contiguousLength(8);
        }
        return sum;
    }
}
