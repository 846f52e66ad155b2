package io.vhost.app.bpf;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfFunction;
import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfExt;
import io.vhost.bpf.btf.CDump;
import io.vhost.bpf.btf.CTypes;
import io.vhost.bpf.context.Argument;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.SectionName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;

/** Writes an inspection for programs, as one JSON object. Thread: one. */
final class InspectionJson {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final JsonGenerator json;
    private final Btf btf;

    private InspectionJson(JsonGenerator json, Btf btf) {
        this.json = json;
        this.btf = btf;
    }

    /** Writes what was found; with {@code types} also the definitions of all types, in C. */
    static void write(Inspection inspection, boolean types, PrintWriter out) throws IOException {
        try (JsonGenerator json = generator(out)) {
            new InspectionJson(json, inspection.object().btf()).inspection(inspection, types);
        }
        out.println();
    }

    /** Writes why {@code file} could not be used; without {@code refusal} it could not even be read. */
    static void write(Path file, String text, Optional<BpfException> refusal, PrintWriter out)
            throws IOException {
        try (JsonGenerator json = generator(out)) {
            json.writeStartObject();
            json.writeStringField("file", file.toString());
            json.writeBooleanField("passed", false);
            json.writeObjectFieldStart("error");
            if (refusal.isPresent()) {
                json.writeStringField("stage", refusal.get().stage().name());
                json.writeNumberField("offset", refusal.get().offset());
                json.writeNumberField("type_id", refusal.get().typeId());
            }
            json.writeStringField("text", text);
            json.writeEndObject();
            json.writeEndObject();
        }
        out.println();
    }

    private static JsonGenerator generator(PrintWriter out) throws IOException {
        return FACTORY.createGenerator(out).disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
                .useDefaultPrettyPrinter();
    }

    private void inspection(Inspection inspection, boolean types) throws IOException {
        BpfObject object = inspection.object();
        json.writeStartObject();
        json.writeStringField("file", inspection.file().toString());
        json.writeBooleanField("passed", inspection.passed());
        json.writeStringField("mode", inspection.mode().name());
        json.writeStringField("license", object.license());
        json.writeStringField("byte_order", object.btf().byteOrder().toString());
        json.writeNumberField("types", object.btf().typeCount() - 1);
        if (types) {
            json.writeStringField("definitions", CDump.all(btf));
        }
        json.writeNumberField("relocations", object.information().relocations());
        json.writeArrayFieldStart("maps");
        for (BpfMap map : object.maps()) {
            map(map);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("programs");
        for (Inspection.Outcome outcome : inspection.programs()) {
            program(outcome);
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void map(BpfMap map) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", map.name());
        json.writeStringField("type", map.typeName());
        json.writeNumberField("key_size", map.keySize());
        json.writeStringField("key_type", map.keyType());
        json.writeNumberField("value_size", map.valueSize());
        json.writeStringField("value_type", map.valueType());
        json.writeNumberField("max_entries", map.maxEntries());
        json.writeNumberField("flags", Integer.toUnsignedLong(map.flags()));
        json.writeEndObject();
    }

    private void program(Inspection.Outcome outcome) throws IOException {
        BpfProgram program = outcome.program();
        json.writeStartObject();
        json.writeStringField("name", program.name());
        json.writeStringField("section", program.function().section());
        if (outcome.convention().isPresent()) {
            SectionName convention = outcome.convention().get();
            json.writeStringField("type", convention.type().name());
            json.writeStringField("attach_type", convention.attachType().map(Enum::name).orElse(null));
            json.writeBooleanField("sleepable", convention.sleepable());
        }
        json.writeStringField("verdict", outcome.verdict().name());
        json.writeArrayFieldStart("functions");
        for (int i = 0; i < outcome.functions().size(); i++) {
            function(i == 0 ? program.function() : program.called().get(i - 1), outcome.functions().get(i));
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void function(BpfFunction function, FunctionCheck check) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", function.name());
        if (function.typeId() != 0) {
            json.writeStringField("declaration", new CTypes(btf).function(function.typeId()));
        }
        json.writeNumberField("instructions", function.instructions());
        json.writeStringField("verdict", check.verdict().name());
        if (check.errno().isPresent()) {
            json.writeStringField("errno", check.errno().get().name());
        }
        json.writeArrayFieldStart("arguments");
        for (Argument argument : check.arguments()) {
            json.writeStartObject();
            json.writeStringField("name", argument.name());
            json.writeStringField("kind", argument.kind().name());
            json.writeNumberField("size", argument.size());
            json.writeBooleanField("nullable", argument.nullable());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("log");
        for (String line : check.log().lines().toList()) {
            json.writeString(line);
        }
        json.writeEndArray();
        lines(function);
        json.writeEndObject();
    }

    private void lines(BpfFunction function) throws IOException {
        json.writeArrayFieldStart("lines");
        for (BtfExt.LineInfo line : function.lines()) {
            json.writeStartObject();
            json.writeNumberField("instruction", (line.offset() - function.offset()) / 8);
            json.writeStringField("file", btf.string(line.file()));
            json.writeNumberField("line", line.line());
            json.writeNumberField("column", line.column());
            json.writeStringField("text", btf.string(line.text()).strip());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
