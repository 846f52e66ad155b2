package io.vhost.bpf;

import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.elf.ElfBuilder;
import io.vhost.bpf.elf.ElfRelocation;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * An object as a compiler would write it, made without one: an XDP program that calls a function, and a map.
 */
final class SmallObject {
    private SmallObject() {
    }

    static byte[] build(ByteOrder order) {
        BtfBuilder types = new BtfBuilder(order);
        int integer = types.integer("int", 4, BtfType.Int.SIGNED);
        int context = types.pointer(types.struct("xdp_md", 4, new BtfType.Member("data", integer, 0, 0)));
        int main = types.function("main", 1, integer, new BtfType.Parameter("c", context));
        types.function("called", 1, integer, new BtfType.Parameter("c", context));
        int pointer = types.pointer(types.add(new BtfType.Array(integer, integer, 2)));
        int map = types.struct("", 16, new BtfType.Member("type", pointer, 0, 0),
                new BtfType.Member("max_entries", pointer, 64, 0));
        int variable = types.add(new BtfType.Variable("map", map, 1));
        types.add(new BtfType.Section(".maps", 0, List.of(new BtfType.Placed(variable, 0, 16))));
        int xdp = types.string("xdp");
        int file = types.string("/src/x.c");
        int line = types.string("int main(struct xdp_md *c)");
        ByteBuffer ext = ByteBuffer.allocate(24 + 20 + 28).order(order);
        ext.putShort((short) 0xEB9F).put((byte) 1).put((byte) 0).putInt(24);
        ext.putInt(0).putInt(20).putInt(20).putInt(28);
        ext.putInt(8).putInt(xdp).putInt(1).putInt(0).putInt(main);
        ext.putInt(16).putInt(xdp).putInt(1).putInt(0).putInt(file).putInt(line).putInt(3 << 10 | 5);

        ElfBuilder elf = new ElfBuilder(order);
        int text = elf.section(".text", ElfSection.PROG_BITS, 6, code(order, 0xb7, 0x95));
        int program = elf.section("xdp", ElfSection.PROG_BITS, 6, code(order, 0x85, 0x95));
        int maps = elf.section(".maps", ElfSection.PROG_BITS, 3, new byte[16]);
        byte[] blob = types.build();
        int btf = elf.section(".BTF", ElfSection.PROG_BITS, 0, blob);
        elf.section(".BTF.ext", ElfSection.PROG_BITS, 0, ext.array());
        elf.section("license", ElfSection.PROG_BITS, 3, new byte[] {'G', 'P', 'L', 0});
        int subprogram = elf.symbol("called", ElfSymbol.FUNCTION, text, 0, 16);
        elf.symbol("main", ElfSymbol.FUNCTION, program, 0, 16);
        int mapSymbol = elf.symbol("map", ElfSymbol.OBJECT, maps, 0, 16);
        elf.relocations(program, 0, subprogram, ElfRelocation.BPF_64_32);
        elf.relocations(btf, blob.length - textLength(blob, order) - 8, mapSymbol,
                ElfRelocation.BPF_64_NODYLD32);
        return elf.build();
    }

    private static int textLength(byte[] blob, ByteOrder order) {
        return ByteBuffer.wrap(blob).order(order).getInt(20);
    }

    private static byte[] code(ByteOrder order, int... opcodes) {
        ByteBuffer code = ByteBuffer.allocate(8 * opcodes.length).order(order);
        for (int opcode : opcodes) {
            code.put((byte) opcode).put((byte) (order == ByteOrder.LITTLE_ENDIAN
                    ? 0x10 : 0x01)).putShort((short) 0)
                    .putInt(-1);
        }
        return code.array();
    }
}
