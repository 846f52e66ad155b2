package io.vhost.app.bpf;

import io.vhost.bpf.BpfFunction;
import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfExt;
import io.vhost.bpf.btf.CDump;
import io.vhost.bpf.btf.CTypes;
import io.vhost.bpf.context.FunctionCheck;
import java.io.PrintWriter;
import java.util.Locale;

/** Writes an inspection for people. Thread: one. */
final class InspectionText {
    private final PrintWriter out;
    private final boolean types;
    private final boolean lines;

    InspectionText(PrintWriter out, boolean types, boolean lines) {
        this.out = out;
        this.types = types;
        this.lines = lines;
    }

    void write(Inspection inspection) {
        BpfObject object = inspection.object();
        out.printf("%s: %s, license %s, %s%n", inspection.file(),
                counted(object.btf().typeCount() - 1, "type"),
                object.license().isEmpty() ? "missing" : "\"" + object.license() + "\"",
                counted(object.information().relocations(), "CO-RE relocation"));
        if (!object.maps().isEmpty()) {
            out.printf("%nMaps%n");
            object.maps().forEach(this::map);
        }
        if (types) {
            out.printf("%nTypes%n");
            CDump.all(object.btf()).lines().forEach(line -> out.printf("  %s%n", line));
        }
        if (inspection.programs().isEmpty()) {
            out.printf("%nNo program: nothing was checked.%n");
            return;
        }
        out.printf("%nPrograms%n");
        inspection.programs().forEach(outcome -> program(object, outcome));
        if (inspection.anyUnreliable()) {
            out.printf("%nunreliable: the kernel accepts the function, but does not rely on its types.%n");
        }
        out.printf("%n%s, %d refused (%s)%n", counted(inspection.programs().size(), "program"),
                inspection.rejected(), small(inspection.mode()));
    }

    private void map(BpfMap map) {
        out.printf("  %-20s %-16s key %s, value %s, max %d%s%n", map.name(), map.typeName(),
                sized(map.keySize(), map.keyType()), sized(map.valueSize(), map.valueType()),
                map.maxEntries(),
                map.flags() == 0 ? "" : ", flags 0x" + Integer.toHexString(map.flags()));
    }

    private void program(BpfObject object, Inspection.Outcome outcome) {
        BpfProgram program = outcome.program();
        out.printf("  %-20s %-16s %s, %s: %s%n", program.name(), program.function().section(),
                outcome.convention().map(name -> name.type().name()).orElse("type unknown"),
                counted(program.function().instructions(), "instruction"), small(outcome.verdict()));
        function(object.btf(), program.function(), outcome.functions().getFirst());
        for (int i = 1; i < outcome.functions().size(); i++) {
            BpfFunction called = program.called().get(i - 1);
            out.printf("    calls %s: %s%n", called.name(), small(outcome.functions().get(i).verdict()));
            function(object.btf(), called, outcome.functions().get(i));
        }
    }

    private void function(Btf btf, BpfFunction function, FunctionCheck check) {
        if (function.typeId() != 0) {
            out.printf("      %s%n", new CTypes(btf).function(function.typeId()));
        }
        check.log().lines().forEach(line -> out.printf("      %s%n", line));
        if (lines) {
            for (BtfExt.LineInfo line : function.lines()) {
                out.printf("      %4d: %s @ %s:%d:%d%n", (line.offset() - function.offset()) / 8,
                        btf.string(line.text()).strip(), btf.string(line.file()), line.line(), line.column());
            }
        }
    }

    private static String sized(long size, String type) {
        return type.isEmpty() ? Long.toString(size) : size + " (" + type + ")";
    }

    private static String counted(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    private static String small(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
