package io.vhost.bpf.btf;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A blob that {@link io.vhost.bpf.btf.check.BtfValidator} accepts and Linux 6.18 refuses, without a word in
 * its log: the kernel gives a meaning to structs of certain names, and checks that others embed them as its
 * own code expects.
 *
 * @param name   what is wrong with the blob
 * @param reason why this library does not look
 * @param errno  the kernel's error number
 * @param maker  makes the blob's types; type 1 is an integer
 */
record BtfDifference(String name, String reason, int errno, Consumer<BtfBuilder> maker) {
    private static final int ENOENT = 2;
    private static final int E2BIG = 7;
    private static final int EFAULT = 14;
    private static final int EINVAL = 22;
    private static final int ELOOP = 40;

    /** The structs that the kernel looks for among members, with the size that it gives them. */
    private static final Map<String, Integer> SPECIAL = Map.of("bpf_spin_lock", 4, "bpf_list_head", 16,
            "bpf_list_node", 24, "bpf_rb_root", 16, "bpf_rb_node", 32, "bpf_refcount", 4);

    /** All that is known. */
    static List<BtfDifference> all() {
        String layout = "sizes and alignments of the kernel's own structs: they change with the kernel, and"
                + " matter to programs that allocate kernel objects only";
        String ownership = "rules of ownership between allocated objects: nothing here allocates any";
        List<BtfDifference> list = new ArrayList<>();
        SPECIAL.forEach((special, size) -> {
            list.add(new BtfDifference(special + " of another size", layout, EFAULT,
                    b -> holder(b, b.struct(special, size + 8), 0)));
            list.add(new BtfDifference(special + " off its alignment", layout, EFAULT,
                    b -> holder(b, b.struct(special, size), 33)));
        });
        list.add(new BtfDifference("two locks", ownership, E2BIG,
                b -> holder(b, b.struct("bpf_spin_lock", 4), 0, 8)));
        list.add(new BtfDifference("a list of nothing", ownership, EINVAL,
                b -> holder(b, b.struct("bpf_list_head", 16), 0)));
        list.add(new BtfDifference("a tree of nothing", ownership, EINVAL,
                b -> holder(b, b.struct("bpf_rb_root", 16), 0)));
        list.add(new BtfDifference("a list without a lock", ownership, EINVAL, b -> list(b, "item", false)));
        list.add(new BtfDifference("a list of what is not there", ownership, ENOENT,
                b -> list(b, "missing", true)));
        list.add(new BtfDifference("a list of lists of itself", ownership, ELOOP,
                b -> list(b, "list", true)));
        list.add(new BtfDifference("nodes of two lists without a count", ownership, EINVAL, b -> {
            int node = b.struct("bpf_list_node", 24);
            int branch = b.struct("bpf_rb_node", 32);
            b.struct("item", 64, new BtfType.Member("a", node, 0, 0),
                    new BtfType.Member("b", branch, 192, 0));
        }));
        return list;
    }

    private static void holder(BtfBuilder b, int type, int... offsets) {
        BtfType.Member[] members = new BtfType.Member[offsets.length];
        for (int i = 0; i < offsets.length; i++) {
            members[i] = new BtfType.Member("m" + i, type, 8L * offsets[i], 0);
        }
        b.struct("holder", 128, members);
    }

    private static void list(BtfBuilder b, String contained, boolean locked) {
        int head = b.struct("bpf_list_head", 16);
        int node = b.struct("bpf_list_node", 24);
        int lock = locked ? b.struct("bpf_spin_lock", 4) : 1;
        b.struct("item", 24, new BtfType.Member("node", node, 0, 0));
        int list = b.struct("list", 64, new BtfType.Member("head", head, 0, 0),
                new BtfType.Member("lock", lock, 128, 0), new BtfType.Member("node", node, 192, 0));
        b.add(new BtfType.DeclarationTag("contains:" + contained + ":node", list, 0, false));
    }

    byte[] blob() {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, BtfType.Int.SIGNED);
        maker.accept(builder);
        return builder.build();
    }
}
