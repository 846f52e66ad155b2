package io.vhost.bpf.vm;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.flow.Region;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.mem.AddressSpace;
import io.vhost.bpf.mem.Atomics;
import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Helper;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.run.ShortFields;
import java.lang.foreign.MemorySegment;

/**
 * Executes an image instruction by instruction (RFC 9669, base, divmul and atomic groups of both widths).
 *
 * <p>What the RFC leaves open is the same here as in compiled code: all registers are 0 when a function
 * begins but for its arguments, and a call leaves r1 to r5 as they were. Thread: any number.
 */
public final class Interpreter implements Executable {
    private static final int TAIL_CALL = 12;
    private static final int LOOP = 181;
    private static final int RETURN = -1;

    private final Image image;
    private final AccessRegions regions;
    private final Code code;

    /** Prepares an image. */
    public Interpreter(Image image, AccessRegions regions) {
        this.image = image;
        this.regions = regions;
        this.code = image.code();
    }

    @Override
    public long call(Cpu cpu, int function, long fp, long r1, long r2, long r3, long r4, long r5) {
        cpu.enter(fp);
        long[] r = cpu.registers(fp);
        r[0] = 0;
        r[1] = r1;
        r[2] = r2;
        r[3] = r3;
        r[4] = r4;
        r[5] = r5;
        r[6] = 0;
        r[7] = 0;
        r[8] = 0;
        r[9] = 0;
        r[10] = fp;
        int at = code.start(function);
        try {
            while (true) {
                long insn = code.insn(at);
                if (Insn.opcode(insn) == Insn.EXIT_INSN) {
                    return r[0];
                }
                int next = step(cpu, r, at, insn);
                if (next == RETURN) {
                    return cpu.result();
                }
                if (next <= at) {
                    cpu.charge();
                }
                at = next;
            }
        } catch (RuntimeException e) {
            cpu.faultAt(at);
            throw e;
        }
    }

    private int step(Cpu cpu, long[] r, int at, long insn) {
        int dst = Insn.dst(insn);
        switch (Insn.kind(insn)) {
            case Insn.LD -> {
                r[dst] = constant(at, insn);
                return at + 2;
            }
            case Insn.LDX -> {
                long loaded = load(cpu.memory(), at, r[Insn.src(insn)] + Insn.off(insn), Insn.size(insn));
                r[dst] = Insn.mode(insn) == Insn.MEM ? loaded : signed(loaded, Insn.size(insn));
            }
            case Insn.ST -> store(cpu.memory(), at, r[dst] + Insn.off(insn), Insn.size(insn),
                    Insn.imm(insn));
            case Insn.STX -> {
                if (Insn.mode(insn) == Insn.MEM) {
                    store(cpu.memory(), at, r[dst] + Insn.off(insn), Insn.size(insn), r[Insn.src(insn)]);
                } else {
                    atomic(cpu.memory(), r, at, insn);
                }
            }
            case Insn.ALU -> r[dst] = Insn.operation(insn) == Insn.END ? Alu.ended(insn, r[dst])
                    : Alu.alu32(insn, (int) r[dst], (int) operand(r, insn));
            case Insn.ALU64 -> r[dst] = Alu.alu64(insn, r[dst], operand(r, insn));
            case Insn.JMP32 -> {
                return narrowJump(r, at, insn);
            }
            default -> {
                return jump(cpu, r, at, insn);
            }
        }
        return at + 1;
    }

    private long constant(int at, long insn) {
        return switch (Insn.src(insn)) {
            case Insn.LDDW_MAP -> Address.ofMap(Insn.imm(insn));
            case Insn.LDDW_MAP_VALUE -> Address.ofValues(Insn.imm(insn)) + Insn.imm(code.insn(at + 1));
            case Insn.LDDW_FUNCTION -> Address.ofFunction(code.target(at));
            default -> Insn.wide(insn, code.insn(at + 1));
        };
    }

    private static long operand(long[] r, long insn) {
        return Insn.isX(insn) ? r[Insn.src(insn)] : Insn.imm(insn);
    }

    private static long signed(long value, int size) {
        return switch (size) {
            case 1 -> (byte) value;
            case 2 -> (short) value;
            default -> (int) value;
        };
    }

    private static int narrowJump(long[] r, int at, long insn) {
        int dst = (int) r[Insn.dst(insn)];
        int src = (int) operand(r, insn);
        boolean taken = Insn.isGoto(insn) || Alu.holds(Insn.operation(insn), dst, src);
        return at + 1 + (taken ? Insn.distance(insn) : 0);
    }

    private int jump(Cpu cpu, long[] r, int at, long insn) {
        if (Insn.operation(insn) == Insn.CALL) {
            return call(cpu, r, at, insn);
        }
        boolean taken = Insn.isGoto(insn)
                || Alu.holds(Insn.operation(insn), r[Insn.dst(insn)], operand(r, insn));
        return at + 1 + (taken ? Insn.distance(insn) : 0);
    }

    private int call(Cpu cpu, long[] r, int at, long insn) {
        if (Insn.src(insn) == Insn.CALL_LOCAL) {
            r[0] = call(cpu, code.target(at), r[Insn.FP] + Address.FRAME, r[1], r[2], r[3], r[4], r[5]);
        } else if (Insn.imm(insn) == TAIL_CALL) {
            if (Program.tailCall(cpu, r[Insn.FP], r[1], r[2], r[3])) {
                return RETURN;
            }
        } else {
            Helper helper = image.helper(at);
            if (Insn.imm(insn) == LOOP) {
                cpu.frame(r[Insn.FP]);
            }
            r[0] = helper.call(cpu, r[1], r[2], r[3], r[4], r[5]);
        }
        return at + 1;
    }

    private MemorySegment segment(AddressSpace memory, int region, long address) {
        return switch (region) {
            case Region.ANY -> memory.segment(address);
            case Region.CONTEXT -> memory.context();
            case Region.PACKET -> memory.packet();
            case Region.STACK -> memory.stack();
            default -> memory.segment(Address.ofValues(region - Region.FIRST_MAP));
        };
    }

    private static long offset(int region, long address) {
        return switch (region) {
            case Region.ANY -> Address.offset(address);
            case Region.CONTEXT -> address - Address.CONTEXT;
            case Region.PACKET -> address - Address.PACKET;
            case Region.STACK -> address - Address.STACK;
            default -> address - Address.ofValues(region - Region.FIRST_MAP);
        };
    }

    private long load(AddressSpace memory, int at, long address, int size) {
        int region = regions.region(at);
        return Bytes.load(segment(memory, region, address), offset(region, address), size);
    }

    private void store(AddressSpace memory, int at, long address, int size, long value) {
        int region = regions.region(at);
        long stored = value;
        if (region == Region.CONTEXT && ShortFields.isStored(image.context(), code.insn(at))) {
            if (ShortFields.isQueueMapping(code.insn(at)) && !ShortFields.isQueue(code.insn(at), value)) {
                return;
            }
            stored &= ShortFields.MASK;
        }
        Bytes.store(segment(memory, region, address), offset(region, address), size, stored);
    }

    private void atomic(AddressSpace memory, long[] r, int at, long insn) {
        int region = regions.region(at);
        long address = r[Insn.dst(insn)] + Insn.off(insn);
        MemorySegment segment = segment(memory, region, address);
        long offset = offset(region, address);
        long operand = r[Insn.src(insn)];
        int operation = Insn.imm(insn);
        long old = Insn.size(insn) == Insn.BYTES
                ? Atomics.apply64(segment, offset, operation, operand, r[0])
                : Atomics.apply32(segment, offset, operation, operand, r[0]);
        if (operation == Insn.CMPXCHG) {
            r[0] = old;
        } else if ((operation & Insn.FETCH) != 0) {
            r[Insn.src(insn)] = old;
        }
    }
}
