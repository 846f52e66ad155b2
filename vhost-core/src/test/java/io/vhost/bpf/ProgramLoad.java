package io.vhost.bpf;

import io.vhost.bpf.context.ProgramType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A program for the kernel to judge: it may call one function, and returns 0.
 *
 * @param type               its type
 * @param expectedAttachType the attach type's number
 * @param attachBtfId        what it is attached to in the kernel's or the other program's BTF, or 0
 * @param attachProgram      descriptor of the program that it extends, or 0
 * @param main               its function's id
 * @param called             the id of the function that it calls, or 0
 * @param passed             what it passes to that function
 */
record ProgramLoad(ProgramType type, int expectedAttachType, int attachBtfId, int attachProgram, int main,
                   int called, Passed passed) {
    /** What a call passes as first argument. */
    enum Passed {
        /** The program's context. */
        CONTEXT,
        /** A pointer to 16 bytes of stack. */
        STACK,
        /** The number 0. */
        NUMBER
    }

    byte[] instructions() {
        ByteBuffer code = ByteBuffer.allocate(128).order(ByteOrder.LITTLE_ENDIAN);
        if (called != 0) {
            pass(code);
            put(code, 0x85, 0, 1, 0, 2);
        }
        put(code, 0xb7, 0, 0, 0, 0);
        put(code, 0x95, 0, 0, 0, 0);
        if (called != 0) {
            put(code, 0xb7, 0, 0, 0, 0);
            put(code, 0x95, 0, 0, 0, 0);
        }
        byte[] bytes = new byte[code.position()];
        code.get(0, bytes);
        return bytes;
    }

    int[] functionInfo() {
        return called == 0 ? new int[] {0, main} : new int[] {0, main, instructions().length / 8 - 2, called};
    }

    private void pass(ByteBuffer code) {
        switch (passed) {
            case CONTEXT -> { }
            case STACK -> {
                put(code, 0x7a, 10, 0, -16, 0);
                put(code, 0x7a, 10, 0, -8, 0);
                put(code, 0xbf, 1, 10, 0, 0);
                put(code, 0x07, 1, 0, 0, -16);
            }
            case NUMBER -> put(code, 0xb7, 1, 0, 0, 0);
        }
    }

    private static void put(ByteBuffer code, int opcode, int target, int source, int offset, int immediate) {
        code.put((byte) opcode).put((byte) (source << 4 | target)).putShort((short) offset).putInt(immediate);
    }
}
