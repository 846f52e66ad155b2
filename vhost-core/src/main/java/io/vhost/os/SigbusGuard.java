package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.HexFormat;

/**
 * A handler for SIGBUS in front of the JVM's: where a file behind a {@link Mapping} was truncated, it puts
 * private zeros in the place of the whole part and lets the thread go on, whatever its access was. A fault
 * anywhere else is the JVM's as before.
 *
 * <p>The handler is machine code for x86-64 in a page of its own. It reads a table of the placed parts, makes
 * one system call ({@code mmap(2)}) and touches nothing else, so it may run in any thread at any time. Once
 * enabled it stays.
 *
 * <p>Thread: any. Memory order: a part's end and counter are stored before its beginning, which makes it
 * count, and its beginning is taken away before the part is unmapped.
 */
@SuppressWarnings("restricted")
public final class SigbusGuard {
    /** Most parts that are guarded; those placed beyond are the JVM's matter. */
    static final int PLACES = 4096;

    private static final int SIGBUS = 7;
    private static final int PAGE = 4096;
    private static final int PROT_READ_WRITE = 3;
    private static final int PROT_READ_EXEC = 5;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    /** struct sigaction of libc: the handler comes first. */
    private static final long SIGACTION_SIZE = 152;

    // One place of the table: begin, end, address of a counter, and the counter of the mapping's first place.
    private static final long PLACE_SIZE = 32;
    private static final long END = 8;
    private static final long COUNTER = 16;
    private static final long COUNT = 24;
    /** The beginning of a place that no part has; 0 ends the table. */
    private static final long NOBODY = -1;

    private static final MemorySegment TABLE =
            Arena.global().allocate((PLACES + 1) * PLACE_SIZE, Long.BYTES);

    @GuardedBy("SigbusGuard.class")
    private static final BitSet TAKEN = new BitSet();

    private static volatile boolean enabled;

    private SigbusGuard() {}

    /**
     * Guards what is placed from now on. A second time has no effect.
     *
     * @throws UnsupportedOperationException on another processor than x86-64
     * @throws OsException if the system does not allow it
     */
    public static synchronized void enable() {
        if (enabled) {
            return;
        }
        if (!System.getProperty("os.arch").equals("amd64")) {
            throw new UnsupportedOperationException("only on x86-64, this is "
                    + System.getProperty("os.arch"));
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment action = arena.allocate(SIGACTION_SIZE, Long.BYTES);
            Calls.sigaction(MemorySegment.NULL, action);
            // Flags and mask stay those of the JVM: its handler may be called through ours.
            action.set(JAVA_LONG, 0, page(handler(action.get(JAVA_LONG, 0))));
            Calls.sigaction(action, MemorySegment.NULL);
        }
        enabled = true;
    }

    /** {@return whether parts are guarded that are placed now} */
    public static boolean isEnabled() {
        return enabled;
    }

    /** What is guarded of one mapping. Used under the mapping's lock, except {@link #isReplaced}. */
    static final class Parts {
        private final BitSet places = new BitSet();
        private MemorySegment counter;

        /** Guards a part that was placed. */
        void add(long address, long length) {
            int place = take();
            if (place < 0) {
                return;
            }
            long at = place * PLACE_SIZE;
            if (counter == null) {
                counter = TABLE.asSlice(at + COUNT, Long.BYTES);
                counter.set(JAVA_LONG, 0, 0L);
            }
            places.set(place);
            TABLE.set(JAVA_LONG, at + END, address + length);
            TABLE.set(JAVA_LONG, at + COUNTER, counter.address());
            // Orders the part's end and counter before the beginning: the handler may look at any moment.
            VarHandle.releaseFence();
            TABLE.set(JAVA_LONG, at, address);
        }

        /** Guards nothing any more, before everything is unmapped. */
        void clear() {
            places.stream().forEach(place -> TABLE.set(JAVA_LONG, place * PLACE_SIZE, NOBODY));
            // Orders the handler's ignorance before whatever is mapped at these addresses next.
            VarHandle.fullFence();
            give(places);
            places.clear();
        }

        /** Whether a part was found truncated since it was placed, and replaced. */
        boolean isReplaced() {
            MemorySegment present = counter;
            return present != null && present.get(JAVA_LONG, 0) != 0;
        }
    }

    /** A place nobody has; -1 if there is none. */
    private static synchronized int take() {
        int place = TAKEN.nextClearBit(0);
        if (place == PLACES) {
            return -1;
        }
        TAKEN.set(place);
        return place;
    }

    private static synchronized void give(BitSet places) {
        TAKEN.andNot(places);
    }

    /** The handler: {@code void handler(int signal, siginfo_t *info, void *context)}. */
    private static byte[] handler(long next) {
        ByteBuffer code = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
        put(code, "48 8B 46 10");                                // mov rax, [rsi+16]: info->si_addr
        put(code, "49 B8").putLong(TABLE.address());             // mov r8, table
        int loop = code.position();
        put(code, "4D 8B 08 4D 85 C9");                          // mov r9, [r8]; test r9, r9
        int end = jump(code, "74");                              // je chain
        put(code, "4C 39 C8");                                   // cmp rax, r9
        int below = jump(code, "72");                            // jb other
        put(code, "49 3B 40 08");                                // cmp rax, [r8+8]
        int beyond = jump(code, "73");                           // jae other
        put(code, "4D 8B 50 10 F0 49 FF 02");                    // mov r10, [r8+16]; lock inc qword [r10]
        put(code, "57 56 52 4C 89 CF");                          // push rdi, rsi, rdx; mov rdi, r9
        put(code, "49 8B 70 08 4C 29 CE");                       // mov rsi, [r8+8]; sub rsi, r9
        put(code, "BA").putInt(PROT_READ_WRITE);                 // mov edx, prot
        // MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE; no file.
        put(code, "41 BA").putInt(0x4032);                       // mov r10d, flags
        put(code, "49 C7 C0").putInt(-1);                        // mov r8, -1
        put(code, "45 31 C9 B8").putInt(9);                      // xor r9d, r9d; mov eax, SYS_mmap
        put(code, "0F 05 5A 5E 5F 48 85 C0");                    // syscall; pop rdx, rsi, rdi; test rax, rax
        int refused = jump(code, "78");                          // js chain
        put(code, "C3");                                         // ret
        land(code, below);
        land(code, beyond);
        put(code, "49 83 C0 20 EB");                             // other: add r8, 32; jmp loop
        code.put((byte) (loop - (code.position() + 1)));
        land(code, end);
        land(code, refused);
        put(code, "49 BB").putLong(next);                        // chain: mov r11, next
        put(code, "41 FF E3");                                   // jmp r11
        return code.array();
    }

    private static ByteBuffer put(ByteBuffer code, String bytes) {
        return code.put(HexFormat.ofDelimiter(" ").parseHex(bytes));
    }

    /** A short jump to a place that is not known yet; where its distance stands. */
    private static int jump(ByteBuffer code, String opcode) {
        put(code, opcode).put((byte) 0);
        return code.position() - 1;
    }

    private static void land(ByteBuffer code, int distance) {
        code.put(distance, (byte) (code.position() - distance - 1));
    }

    /** Puts code into a page that nobody can write; its address. */
    private static long page(byte[] code) {
        long address = Libc.mmap(0, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
        if (address < 0) {
            throw new OsException("mmap(a page for the SIGBUS handler)", (int) -address);
        }
        MemorySegment page = MemorySegment.ofAddress(address).reinterpret(PAGE);
        MemorySegment.copy(code, 0, page, JAVA_BYTE, 0, code.length);
        Calls.protect(page);
        return address;
    }

    /** Looked up when somebody wants the guard. */
    private static final class Calls {
        private static final Linker LINKER = Linker.nativeLinker();
        private static final MethodHandle SIGACTION = LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow("sigaction"),
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
        private static final MethodHandle MPROTECT = LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow("mprotect"),
                FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

        private static void sigaction(MemorySegment action, MemorySegment old) {
            try {
                require("sigaction(SIGBUS)", (int) SIGACTION.invokeExact(SIGBUS, action, old));
            } catch (Throwable e) {
                throw rethrown(e);
            }
        }

        private static void protect(MemorySegment page) {
            try {
                int result = (int) MPROTECT.invokeExact(page, page.byteSize(), PROT_READ_EXEC);
                require("mprotect(PROT_EXEC)", result);
            } catch (Throwable e) {
                throw rethrown(e);
            }
        }

        private static void require(String call, int result) {
            if (result != 0) {
                throw new OsException(call, Errno.EACCES);
            }
        }

        private static RuntimeException rethrown(Throwable e) {
            return e instanceof OsException failure ? failure : new IllegalStateException(e);
        }
    }
}
