/// Jobs as rows.
enum JobTable {
    /// - Parameter isShort: without the item, which is the page's own.
    static func html(_ jobs: [JobView], isShort: Bool = false, _ frame: Frame) -> HTML {
        let columns: [Elements.Column] =
            [.init(frame(.operation))]
            + (isShort ? [] : [.init(frame(.item)), .init(frame(.vault), isSecondary: true)])
            + [
                .init(frame(.status)), .init(frame(.started), isSecondary: true),
                .init(frame(.duration), isNumber: true, isSecondary: true),
            ]
        let head = columns.map { column -> HTML in
            "<th scope=\"col\" class=\"\(column.style)\">\(column.title)</th>"
        }
        let rows = jobs.map { job -> HTML in
            let cells: [HTML] =
                [Elements.link(.job(job.id), frame(.operation(job.operation)))]
                + (isShort ? [] : ["\(job.item.isEmpty ? "–" : job.item)", "\(job.vault)"])
                + [
                    state(job, frame), Moment.html(job.started),
                    "\(job.seconds.map { Figures.duration($0) } ?? "")",
                ]
            let parts = zip(columns, cells).map { column, cell -> HTML in
                "<td class=\"\(column.style)\">\(cell)</td>"
            }
            return """
                <tr data-job="\(job.id)" data-state="\(job.isOver ? "over" : "running")">\
                \(parts)</tr>

                """
        }
        return """
            <div class="scroll" role="region" aria-label="\(frame(.jobs))" tabindex="0">\
            <table data-jobs>
            <thead><tr>\(head)</tr></thead><tbody>\(rows)</tbody></table></div>

            """
    }

    static func state(_ job: JobView, _ frame: Frame) -> HTML {
        let word = frame(.jobStatus(job.status))
        let bar: HTML? =
            job.isOver
            ? nil
            : """
             <progress max="1" value="\(Self.share(job.progress))" \
            aria-label="\(frame(.progress))"></progress> \
            <span data-percent>\(Figures.percent(job.progress))</span>
            """
        return "<span class=\"state \(job.style)\">\(word)</span>\(bar)"
    }

    /// "0.37".
    private static func share(_ value: Double) -> String {
        let hundredths = Int((min(1, max(0, value.isFinite ? value : 0)) * 100).rounded(.down))
        return "\(hundredths / 100).\(Figures.two(hundredths % 100))"
    }
}

/// The jobs of one day as bars, a lane for each item.
enum Timeline {
    private static let lanesMax = 12
    private static let day: Int64 = Figures.nanosecondsADay

    static func html(_ jobs: [JobView], now: Int64, _ frame: Frame) -> HTML {
        let shown = jobs.filter { ($0.ended ?? now) > now - day && $0.started <= now }
        guard !shown.isEmpty else { return "<p>\(frame(.nothingRan))</p>\n" }
        var lanes: [String] = []
        for job in shown {
            let lane = lane(of: job, frame)
            if !lanes.contains(lane), lanes.count < lanesMax { lanes.append(lane) }
        }
        let bars = shown.compactMap { job -> HTML? in
            guard let number = lanes.firstIndex(of: lane(of: job, frame)) else { return nil }
            let from = position(max(job.started, now - day), now)
            let width = max(4, position(job.ended ?? now, now) - from)
            return """
                <rect class="\(job.style)" x="\(160 + from)" y="\(20 * number + 4)" \
                width="\(width)" height="12" rx="2"><title>\(frame(.operation(job.operation))) \
                \(job.item) – \(frame(.jobStatus(job.status)))</title></rect>
                """
        }
        let height = 20 * lanes.count
        let labels = lanes.enumerated().map { number, lane -> HTML in
            "<text x=\"0\" y=\"\(20 * number + 14)\">\(String(lane.prefix(22)))</text>"
        }
        let marks = stride(from: 0, through: 24, by: 6).map { hour -> HTML in
            let x = 160 + 800 * hour / 24
            return """
                <path class="line" d="M\(x) 0V\(height)"/><text x="\(hour == 24 ? x - 16 : x)" \
                y="\(height + 14)">\(hour - 24) h</text>
                """
        }
        return """
            <div class="scroll newest" tabindex="0" role="region" aria-label="\(frame(.timeline))">\
            <svg class="plot wideplot" viewBox="-8 0 980 \(height + 20)" role="img" \
            aria-label="\(frame(.timeline))">\(marks)\(labels)\(bars)</svg></div>
            <details><summary>\(frame(.data))</summary>\(JobTable.html(shown, frame))</details>

            """
    }

    private static func lane(of job: JobView, _ frame: Frame) -> String {
        job.item.isEmpty ? frame(.operation(job.operation)) : job.item
    }

    private static func position(_ time: Int64, _ now: Int64) -> Int {
        Int((Double(time - (now - day)) / Double(day) * 800).rounded())
    }
}

/// The list of jobs.
package enum JobsPage {
    package struct Filter: Sendable {
        package var status = ""
        package var operation = ""

        package init() {}

        package init(_ values: FormValues) {
            status = values["status"] ?? ""
            operation = values["operation"] ?? ""
        }
    }

    /// - Parameters:
    ///   - vault: the only one; nil for all.
    ///   - operations: every one that there is.
    package static func html(
        _ jobs: [JobView], vault: String?, filter: Filter, operations: [String],
        statuses: [String], _ frame: Frame
    ) -> HTML {
        let action: Link = vault.map { .vault($0, "jobs") } ?? Link("jobs")
        let states = [("", frame(.all))] + statuses.map { ($0, frame(.jobStatus($0))) }
        let kinds = [("", frame(.all))] + operations.map { ($0, frame(.operation($0))) }
        let table: HTML =
            jobs.isEmpty ? "<p data-jobs>\(frame(.noJobs))</p>\n" : JobTable.html(jobs, frame)
        var command = CommandLine("job", "list")
        if !filter.status.isEmpty { command.words += ["--status", filter.status] }
        if !filter.operation.isEmpty { command.words += ["--operation", filter.operation] }
        if let vault { command.words += ["--vault", vault] }
        return Page(
            title: frame(.jobs), section: vault == nil ? .jobs : .vaults, vault: vault,
            tab: vault == nil ? nil : .jobs, commands: [command],
            body: """
                <form method="get" action="\(action)" class="card">
                \(Elements.field(id: "operation", frame(.operation), Elements.select(
                    "operation", kinds, chosen: filter.operation)))\
                \(Elements.field(id: "status", frame(.status), Elements.select(
                    "status", states, chosen: filter.status)))\
                <button>\(frame(.filter))</button></form>
                \(table)
                """
        ).html(frame)
    }
}

/// One job.
package enum JobPage {
    package static func html(_ job: JobView, _ frame: Frame) -> HTML {
        let tasks: HTML? =
            job.tasks.isEmpty
            ? nil
            : "<h2>\(frame(.subTasks))</h2>\n"
                + Elements.facts(
                    job.tasks.map { task in
                        (frame(.task(task.name)), "\(frame(.jobStatus(task.status)))")
                    })
        let warnings: HTML? =
            job.warnings.isEmpty
            ? nil
            : "<h2>\(frame(.warnings))</h2>\n"
                + Elements.list(job.warnings.map { ProblemNote.warning($0, frame) })
        let output: HTML? =
            job.output.isEmpty
            ? nil : "<h2>\(frame(.output))</h2>\n<pre tabindex=\"0\">\(job.output)</pre>\n"
        let cancel: HTML? =
            job.canBeCancelled && job.status == "InProgress" && frame.role >= .operator
            ? Form(
                to: Link("jobs", job.id, "cancel"), frame,
                "<div class=\"bar\"><button class=\"danger\">\(frame(.cancelJob))</button></div>"
            ).html : nil
        let item: HTML =
            job.item.isEmpty || job.vault.isEmpty
            ? "\(job.item.isEmpty ? "–" : job.item)"
            : Elements.link(.vault(job.vault, "protected", job.item), job.item)
        let vault: HTML =
            job.vault.isEmpty ? "–" : Elements.link(.vault(job.vault), job.vault)
        let point = job.recoveryPoint.map { id -> (String, HTML) in
            (frame(.point), "<code>\(String(id.prefix(12)))</code>")
        }
        let title = "\(frame(.operation(job.operation))) \(job.item)"
        return Page(
            title: title, section: .jobs, commands: [CommandLine("job", "show", job.short)],
            body: """
                <div data-job="\(job.id)" data-state="\(job.isOver ? "over" : "running")">\
                \(job.failure.map { ProblemNote.html($0, frame) })\
                \(Elements.facts([
                    (frame(.status), JobTable.state(job, frame)), (frame(.vault), vault),
                    (frame(.item), item), (frame(.started), Moment.html(job.started)),
                    (frame(.ended), Moment.html(job.ended)),
                    (frame(.duration), "\(job.seconds.map { Figures.duration($0) } ?? "–")"),
                    (frame(.process), "\(job.process)"),
                ] + [point].compactMap(\.self)))\(tasks)\(warnings)\(output)</div>\(cancel)
                """
        ).html(frame)
    }
}
