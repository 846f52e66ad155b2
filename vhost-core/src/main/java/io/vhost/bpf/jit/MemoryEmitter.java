package io.vhost.bpf.jit;

import static java.lang.constant.ConstantDescs.CD_Long;
import static java.lang.constant.ConstantDescs.CD_byte;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_short;
import static java.lang.constant.ConstantDescs.CD_void;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.flow.Region;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.ShortFields;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Loads, stores and atomic operations (RFC 9669, section 5). */
final class MemoryEmitter {
    private final CodeBuilder code;
    private final AccessRegions regions;
    private final Image image;
    private final ClassData data;
    /** Null where each access is checked on its own. */
    private final Groups groups;

    /** For the instructions from {@code start} to before {@code end}. */
    MemoryEmitter(CodeBuilder code, Unit unit, int start, int end) {
        this.code = code;
        this.regions = unit.regions();
        this.image = unit.image();
        this.data = unit.data();
        this.groups = unit.grouped() ? new Groups(unit.code(), regions, start, end) : null;
    }

    void load(int at, long insn) {
        int size = Insn.size(insn);
        int region = regions.region(at);
        if (region == Region.ANY) {
            code.aload(Frame.MEMORY);
            address(insn, Insn.src(insn), 0);
            code.loadConstant(size).invokevirtual(Names.MEMORY, "load", Names.LOAD);
            if (Insn.mode(insn) == Insn.MEMSX) {
                signed(size);
            }
        } else {
            slice(at);
            place(at, insn, Insn.src(insn));
            code.invokevirtual(Names.HANDLE, "get", MethodTypeDesc.of(type(size), Names.SEGMENT, CD_long));
            extended(size, Insn.mode(insn) == Insn.MEMSX);
        }
        Frame.store(code, Insn.dst(insn));
    }

    void store(int at, long insn) {
        int size = Insn.size(insn);
        int region = regions.region(at);
        boolean any = region == Region.ANY;
        boolean isShort = region == Region.CONTEXT && ShortFields.isStored(image.context(), insn);
        Label leftOut = code.newLabel();
        if (any) {
            code.aload(Frame.MEMORY);
            address(insn, Insn.dst(insn), 0);
            code.loadConstant(size);
        } else {
            slice(at);
            if (isShort && ShortFields.isQueueMapping(insn) && !isMade(insn, leftOut)) {
                return;
            }
            place(at, insn, Insn.dst(insn));
        }
        if (Insn.kind(insn) == Insn.STX) {
            Frame.load(code, Insn.src(insn));
        } else {
            code.loadConstant((long) Insn.imm(insn));
        }
        if (any) {
            code.invokevirtual(Names.MEMORY, "store", Names.STORE);
            return;
        }
        if (isShort) {
            code.loadConstant(ShortFields.MASK).land();
        }
        cut(size);
        code.invokevirtual(Names.HANDLE, "set",
                MethodTypeDesc.of(CD_void, Names.SEGMENT, CD_long, type(size)));
        code.labelBinding(leftOut);
    }

    /** Jumps where the number in a register is no queue; false if an immediate is none. */
    private boolean isMade(long insn, Label leftOut) {
        if (Insn.kind(insn) == Insn.ST) {
            return ShortFields.isQueue(insn, Insn.imm(insn));
        }
        Frame.load(code, Insn.src(insn)).loadConstant(ShortFields.NO_QUEUE)
                .invokestatic(CD_Long, "compareUnsigned", Names.COMPARE_LONGS).ifge(leftOut);
        return true;
    }

    void atomic(int at, long insn) {
        int region = regions.region(at);
        boolean any = region == Region.ANY;
        boolean wide = Insn.size(insn) == Insn.BYTES;
        int operation = Insn.imm(insn);
        if (!any && operation == Insn.ADD) {
            add(insn, region, wide);
            return;
        }
        if (any) {
            code.aload(Frame.MEMORY);
        } else {
            segment(region);
        }
        address(insn, Insn.dst(insn), any ? 0 : base(region));
        if (any) {
            code.loadConstant(Insn.size(insn));
        }
        code.loadConstant(operation);
        Frame.load(code, Insn.src(insn));
        Frame.load(code, 0);
        if (any) {
            code.invokevirtual(Names.MEMORY, "atomic", Names.ATOMIC);
        } else {
            code.invokestatic(Names.ATOMICS, wide ? "apply64" : "apply32", Names.APPLY);
        }
        if (operation == Insn.CMPXCHG) {
            Frame.store(code, 0);
        } else if ((operation & Insn.FETCH) != 0) {
            Frame.store(code, Insn.src(insn));
        } else {
            code.pop2();
        }
    }

    /** By far the most frequent one: a counter. */
    private void add(long insn, int region, boolean wide) {
        code.getstatic(Names.BYTES, wide ? "ATOMIC_LONG" : "ATOMIC_INT", Names.HANDLE);
        segment(region);
        address(insn, Insn.dst(insn), base(region));
        Frame.load(code, Insn.src(insn));
        if (!wide) {
            code.l2i();
        }
        ClassDesc type = wide ? CD_long : CD_int;
        code.invokevirtual(Names.HANDLE, "getAndAdd",
                MethodTypeDesc.of(type, Names.SEGMENT, CD_long, type));
        if (wide) {
            code.pop2();
        } else {
            code.pop();
        }
    }

    /** Makes the slice of a group that begins with this load or store of a known region. */
    private void slice(int at) {
        Groups.Group group = groups == null ? null : groups.of(at);
        if (group != null && group.beginsAt(at)) {
            slice(group);
        }
    }

    /** Handle, segment and offset of a load or store of a known region; its group's slice is there. */
    private void place(int at, long insn, int register) {
        int size = Insn.size(insn);
        int region = regions.region(at);
        Groups.Group group = groups == null ? null : groups.of(at);
        if (isOwn(insn, register)) {
            handle(size);
            code.aload(Frame.OWN).loadConstant((long) Address.FRAME + Insn.off(insn));
        } else if (group == null) {
            handle(size);
            segment(region);
            address(insn, register, base(region));
        } else {
            handle(size);
            code.aload(Frame.slice(register)).loadConstant((long) Insn.off(insn) - group.from());
        }
    }

    /** Whether it is in the function's own frame, whatever registers hold. */
    static boolean isOwn(long insn, int register) {
        return register == Insn.FP && Insn.off(insn) >= -Address.FRAME
                && Insn.off(insn) + Insn.size(insn) <= 0;
    }

    /** The JVM checks that all of it is in the region; what is accessed in it is at constant offsets. */
    private void slice(Groups.Group group) {
        segment(group.region());
        Frame.load(code, group.register()).loadConstant(group.from() - base(group.region())).ladd()
                .loadConstant((long) group.length())
                .invokeinterface(Names.SEGMENT, "asSlice", Names.SLICE)
                .astore(Frame.slice(group.register()));
    }

    private void handle(int size) {
        String name = switch (size) {
            case 1 -> "BYTE";
            case 2 -> "SHORT";
            case 4 -> "INT";
            default -> "LONG";
        };
        code.getstatic(Names.BYTES, name, Names.HANDLE);
    }

    private void segment(int region) {
        switch (region) {
            case Region.CONTEXT -> code.aload(Frame.CONTEXT);
            case Region.PACKET -> code.aload(Frame.PACKET);
            case Region.STACK -> code.aload(Frame.STACK);
            default -> code.loadConstant(data.constant(
                    image.reachable(region - Region.FIRST_MAP), Names.SEGMENT));
        }
    }

    private static long base(int region) {
        return switch (region) {
            case Region.CONTEXT -> Address.CONTEXT;
            case Region.PACKET -> Address.PACKET;
            case Region.STACK -> Address.STACK;
            default -> Address.ofValues(region - Region.FIRST_MAP);
        };
    }

    private void address(long insn, int register, long base) {
        Frame.load(code, register);
        long distance = Insn.off(insn) - base;
        if (distance != 0) {
            code.loadConstant(distance).ladd();
        }
    }

    private static ClassDesc type(int size) {
        return switch (size) {
            case 1 -> CD_byte;
            case 2 -> CD_short;
            case 4 -> CD_int;
            default -> CD_long;
        };
    }

    private void cut(int size) {
        switch (size) {
            case 1 -> code.l2i().i2b();
            case 2 -> code.l2i().i2s();
            case 4 -> code.l2i();
            default -> { }
        }
    }

    private void extended(int size, boolean signed) {
        switch (size) {
            case 1 -> {
                if (!signed) {
                    code.loadConstant(0xFF).iand();
                }
                code.i2l();
            }
            case 2 -> {
                if (!signed) {
                    code.i2c();
                }
                code.i2l();
            }
            case 4 -> {
                code.i2l();
                if (!signed) {
                    code.loadConstant(0xFFFFFFFFL).land();
                }
            }
            default -> { }
        }
    }

    private void signed(int size) {
        code.l2i();
        switch (size) {
            case 1 -> code.i2b();
            case 2 -> code.i2s();
            default -> { }
        }
        code.i2l();
    }
}
