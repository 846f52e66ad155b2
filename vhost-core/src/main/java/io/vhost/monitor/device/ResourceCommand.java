package io.vhost.monitor.device;

import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What front-ends have taken of this process, and what they were refused. */
final class ResourceCommand {
    private static final Type REFUSALS = Type.array(
            Type.object(Member.of("limit", Type.STRING), Member.of("count", Type.UINT64)));
    private static final Type USAGE = Type.object(
            Member.of("connections", Type.UINT64), Member.of("mappings", Type.UINT64),
            Member.of("mapped-bytes", Type.UINT64), Member.of("descriptors", Type.UINT64),
            Member.of("refusals", REFUSALS));

    private ResourceCommand() {}

    static Command create() {
        return Command.named("x-query-vhost-resources")
                .help("show what front-ends have taken of this process")
                .returns(USAGE).runs(_ -> describe(ResourceAccount.ofProcess().usage()));
    }

    private static Map<String, Object> describe(ResourceUsage usage) {
        List<Map<String, Object>> refusals = new ArrayList<>();
        usage.refusals().forEach((limit, count) ->
                refusals.add(Json.object("limit", limit.label(), "count", count)));
        return Json.object("connections", usage.connections(), "mappings", usage.mappings(),
                "mapped-bytes", usage.mappedBytes(), "descriptors", usage.descriptors(),
                "refusals", refusals);
    }
}
