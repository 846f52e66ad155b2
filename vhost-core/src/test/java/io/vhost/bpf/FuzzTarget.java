package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfDump;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfExt;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.CDump;
import io.vhost.bpf.btf.CTypes;
import io.vhost.bpf.btf.check.BtfRule;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.ProgramType;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.load.LoadedObject;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;

/** What must hold for any bytes at all: a typed error or a result, and the result can be used. */
public final class FuzzTarget {
    private FuzzTarget() {
    }

    /** The entry point of coverage-guided fuzzers. */
    public static void fuzzerTestOneInput(byte[] data) {
        blob(data);
        object(data);
    }

    /** Bytes as BTF. */
    public static void blob(byte[] data) {
        boolean valid = false;
        try {
            BtfValidator.standard().check(data);
            valid = true;
        } catch (BtfException e) {
            require(e.offset() >= 0 && e.typeId() >= 0 && !e.text().isEmpty(), e.getMessage());
        }
        otherKernels(data);
        Btf btf;
        try {
            btf = Btf.parse(data);
        } catch (BtfException e) {
            require(!valid, "valid but unreadable: " + e.getMessage());
            return;
        }
        use(btf);
        rewrite(btf, valid);
        try {
            BtfExt.parse(data, btf);
        } catch (BtfException e) {
            require(!e.text().isEmpty(), e.getMessage());
        }
        if (valid) {
            check(btf);
        }
    }

    private static void otherKernels(byte[] data) {
        for (Set<BtfRule> rules : List.of(BtfRule.LINUX_5_17, BtfRule.LINUX_7_0)) {
            for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
                try {
                    BtfValidator.standard().rules(rules).byteOrder(order).tracing().check(data);
                } catch (BtfException e) {
                    require(!e.text().isEmpty(), e.getMessage());
                }
            }
        }
    }

    private static void use(Btf btf) {
        CTypes types = new CTypes(btf);
        require(!BtfDump.all(btf).isEmpty() || btf.typeCount() == 1, "no dump");
        CDump.all(btf);
        for (int id = 0; id < btf.typeCount(); id++) {
            types.name(id);
            btf.strip(id);
            require(btf.find(btf.kind(id), btf.name(id)) <= id, "not the first");
        }
    }

    private static void rewrite(Btf btf, boolean valid) {
        for (int id = 1; id < btf.typeCount(); id++) {
            if (btf.kind(id) == BtfKind.UNKNOWN) {
                return;
            }
        }
        byte[] written = new BtfBuilder(btf.byteOrder()).addAll(btf).build();
        try {
            boolean same = BtfDump.all(Btf.parse(written)).equals(BtfDump.all(btf));
            // An illegal name, of a pointer for one, has no place in a decoded type.
            require(same || !valid, "rewritten types differ");
        } catch (BtfException e) {
            throw new AssertionError("rewritten types cannot be read", e);
        }
    }

    private static void check(Btf btf) {
        for (CheckMode mode : CheckMode.values()) {
            ContextCheck check = new ContextCheck(btf, ContextTypes.shipped(), mode);
            for (int id = 0; id < btf.typeCount(); id++) {
                if (btf.kind(id) == BtfKind.FUNC) {
                    check.program(id, ContextCheck.Target.of(ProgramType.XDP), "");
                    check.function(id, ContextCheck.Target.of(ProgramType.KPROBE));
                }
            }
        }
    }

    /** Bytes as an object file. */
    static void object(byte[] data) {
        try {
            BpfObject object = BpfObject.parse(data);
            for (BpfProgram program : object.programs()) {
                for (CheckMode mode : CheckMode.values()) {
                    object.check(program, ContextTypes.shipped(), mode);
                }
            }
            link(object);
        } catch (BpfException e) {
            require(e.offset() >= 0 && e.typeId() >= 0 && !e.text().isEmpty(), e.getMessage());
        }
    }

    /** Programs that are put together are programs, or there is an error that says why not. */
    private static void link(BpfObject object) throws BpfException {
        object.maps().forEach(object::initialData);
        object.maps().forEach(object::initialSlots);
        for (BpfProgram program : object.programs()) {
            LinkedProgram linked = object.link(program);
            asked(object, program);
            int length = linked.instructions().length;
            require(!linked.functions().isEmpty() && length > 0, program.name());
            linked.source(0);
            linked.source(length - 1);
        }
        try {
            LoadedObject.load(object, new MapFactory(1, 1 << 16));
        } catch (ProgramException | MapException e) {
            require(!e.getMessage().isEmpty(), "no message");
        }
    }

    /** What it asks about types, its own give an answer to, or the question makes no sense. */
    private static void asked(BpfObject object, BpfProgram program) {
        try {
            object.link(program, object.btf()).unresolved().values().forEach(text ->
                    require(!text.isEmpty(), "no text"));
        } catch (BpfException e) {
            require(e.stage() == BpfException.Stage.LINK && !e.text().isEmpty(), e.getMessage());
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
