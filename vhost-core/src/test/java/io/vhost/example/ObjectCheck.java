package io.vhost.example;

import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.FunctionCheck.Verdict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Says what is wrong with the context types of an object file, before anything is loaded. */
public final class ObjectCheck {
    private ObjectCheck() {
    }

    static List<String> complaints(Path file) throws IOException, BpfException {
        BpfObject object = BpfObject.read(file);
        List<String> complaints = new ArrayList<>();
        for (BpfProgram program : object.programs()) {
            for (FunctionCheck check : object.check(program, ContextTypes.shipped(), CheckMode.STRICT)) {
                if (check.verdict() == Verdict.REJECT) {
                    complaints.add(program.name() + ": " + check.log());
                }
            }
        }
        return complaints;
    }
}
