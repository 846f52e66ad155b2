package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A burst looks whether the queue runs before it takes the lock, and must look again when it has it: between
 * the two the queue may have been stopped, and have no ring. That is an instruction wide and met by chance
 * alone, so this reads the compiled code.
 */
class SecondLookTest {
    private static final Set<String> LOCKS = Set.of("tryLock", "lock", "lockWhileRunning");
    private static final String LOOK = "isRunning";

    @ParameterizedTest
    @CsvSource({"take, dequeue", "send, enqueue"})
    void aBurstLooksAgainUnderTheLock(String burst, String move) throws IOException {
        assertTrue(looksAgain(calls(VirtQueue.class, burst), move));
    }

    @Test
    void oneThatDoesNotIsFound() throws IOException {
        assertTrue(looksAgain(calls(Cases.class, "twice"), "move"));
        assertFalse(looksAgain(calls(Cases.class, "once"), "move"));
        assertFalse(looksAgain(calls(Cases.class, "tooLate"), "move"));
    }

    abstract static class Cases {
        abstract boolean isRunning();

        abstract boolean tryLock();

        abstract int move();

        int twice() {
            return isRunning() && tryLock() && isRunning() ? move() : 0;
        }

        int once() {
            return isRunning() && tryLock() ? move() : 0;
        }

        int tooLate() {
            return isRunning() && tryLock() && move() > 0 && isRunning() ? 1 : 0;
        }
    }

    private static boolean looksAgain(List<String> calls, String move) {
        int locked = -1;
        for (int i = 0; i < calls.size(); i++) {
            locked = LOCKS.contains(calls.get(i)) ? i : locked;
        }
        int moved = calls.indexOf(move);
        assertTrue(locked >= 0 && locked < moved, calls::toString);
        return calls.subList(locked, moved).contains(LOOK);
    }

    private static List<String> calls(Class<?> type, String name) throws IOException {
        String file = type.getName().substring(type.getPackageName().length() + 1) + ".class";
        ClassModel model;
        try (InputStream stream = type.getResourceAsStream(file)) {
            model = ClassFile.of().parse(stream.readAllBytes());
        }
        List<MethodModel> methods = model.methods().stream()
                .filter(method -> method.methodName().equalsString(name)).toList();
        assertEquals(1, methods.size(), name);
        List<String> calls = new ArrayList<>();
        for (CodeElement element : methods.getFirst().code().orElseThrow()) {
            if (element instanceof InvokeInstruction call) {
                calls.add(call.name().stringValue());
            }
        }
        return calls;
    }
}
