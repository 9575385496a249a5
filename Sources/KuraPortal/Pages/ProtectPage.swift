package import KuraPolicy

/// Protect items: the wizard of the tutorial. Nothing is changed before its end.
package enum ProtectPage {
    /// What the wizard offers and has found out.
    package struct Offer: Sendable {
        package var machines: [MachineView] = []
        package var policies: [Policy] = []
        /// Of the policy that is chosen or typed; nil where it is none yet.
        package var simulation: SimulationView?
        package var failure: Problem?

        package init() {}
    }

    package static func html(
        vault: String, _ form: ProtectForm, offer: Offer, _ frame: Frame
    ) -> HTML {
        let offered = offer.machines.filter(\.isProtectable)
        let path = ProtectForm.Step.allCases.map { step -> HTML in
            let current: HTML = step == form.step ? " aria-current=\"step\"" : ""
            return "<li\(current)>\(step.rawValue). \(frame(title(of: step)))</li>"
        }
        let note = form.problem.map { word -> HTML in
            "<p class=\"toast bad\" role=\"alert\">\(frame(word))</p>\n"
        }
        let content: HTML
        if offered.isEmpty {
            content = """
                <p>\(frame(.noneToProtect))</p>
                \(Elements.button(.vault(vault, "register"), frame(.register), isMain: true))
                """
        } else {
            let step: HTML =
                switch form.step {
                case .machines:
                    MachineChoice.html(
                        offered, chosen: form.items, value: \.item, frame)
                case .policy: policyStep(form, of: offer, frame)
                case .retention: retentionStep(form, of: offer, frame)
                case .summary: summaryStep(form, of: offer, frame)
                }
            content =
                Form(
                    to: .vault(vault, "protect"), frame,
                    "\(carried(form))\(step)\(buttons(form, in: vault, frame))"
                ).html
        }
        let named = form.isNew ? form.fields.name : form.policy
        let machines = form.items.isEmpty ? ["VM"] : form.items
        return Page(
            title: frame(.protectItems), section: .vaults, vault: vault, tab: .registered,
            commands: (form.isNew && form.step.rawValue > 1
                ? [form.fields.command(vault: vault)] : [])
                + [
                    CommandLine(
                        ["vm", "protect"] + machines
                            + [
                                "--policy", named.isEmpty ? "DefaultPolicy" : named, "--vault",
                                vault,
                            ])
                ],
            body: """
                <ol class="path">\(path)</ol>
                \(note)\(offer.failure.map { ProblemNote.html($0, frame) })\(content)
                """
        ).html(frame)
    }

    private static func title(of step: ProtectForm.Step) -> Word {
        switch step {
        case .machines: .machines
        case .policy: .configureProtection
        case .retention: .retention
        case .summary: .summary
        }
    }

    /// What was chosen on the other pages.
    private static func carried(_ form: ProtectForm) -> HTML {
        var pairs = [("step", String(form.step.rawValue))]
        if form.step != .machines { pairs += form.items.map { ("item", $0) } }
        if form.step != .policy { pairs.append(("policy", form.policy)) }
        switch form.step {
        case .machines, .summary: pairs += form.fields.hidden
        case .policy:
            // The fields of the schedule are on this page, those of the retention are not.
            pairs += form.fields.hidden.filter { name, _ in
                !["policy-name", "frequency", "times", "zone", "days"].contains(name)
            }
        case .retention where form.isNew:
            pairs += form.fields.hidden.filter { name, _ in
                ["policy-name", "frequency", "times", "zone", "days"].contains(name)
            }
        case .retention: pairs += form.fields.hidden
        }
        return "\(pairs.map { Elements.hidden($0.0, $0.1) })"
    }

    private static func buttons(
        _ form: ProtectForm, in vault: String, _ frame: Frame
    ) -> HTML {
        let isLast = form.step == .summary
        let main: HTML = """
            <button class="main" name="go" value="\(isLast ? "finish" : "next")">\
            \(frame(isLast ? .finish : .next))</button>
            """
        let back: HTML? =
            form.step == .machines
            ? nil
            : "<button name=\"go\" value=\"back\" formnovalidate>\(frame(.back))</button>"
        let again: HTML? =
            form.step == .retention && form.isNew
            ? "<button name=\"go\" value=\"stay\">\(frame(.simulate))</button>" : nil
        return """
            <div class="bar">\(main)\(again)\(back)\
            \(Elements.button(.vault(vault, "registered"), frame(.cancel)))</div>
            """
    }

    private static func policyStep(
        _ form: ProtectForm, of offer: Offer, _ frame: Frame
    ) -> HTML {
        let choices = offer.policies.map { policy in
            Elements.Choice(
                value: policy.name,
                title: "\(policy.name) <small>\(PolicyText.summary(policy, frame))</small>",
                isChosen: policy.name == form.policy)
        }
        let new = Elements.Choice(
            value: "", title: "\(frame(.newPolicy))", isChosen: form.isNew)
        return """
            \(Elements.choices("policy", title: frame(.existingPolicy), choices + [new]))\
            <fieldset><legend>\(frame(.newPolicy))</legend>\
            \(PolicyFields.schedule(form.fields, frame))</fieldset>
            """
    }

    private static func retentionStep(
        _ form: ProtectForm, of offer: Offer, _ frame: Frame
    ) -> HTML {
        let simulation = offer.simulation.map { SimulationTable.html($0, frame) }
        guard !form.isNew else {
            return "\(PolicyFields.retention(form.fields, frame))\(simulation)"
        }
        let chosen = offer.policies.first { $0.name == form.policy }
        return """
            <p class="note warn">\(frame(.locked))</p>
            <p>\(chosen.map { PolicyText.summary($0, frame) } ?? "")</p>
            \(simulation)
            """
    }

    private static func summaryStep(
        _ form: ProtectForm, of offer: Offer, _ frame: Frame
    ) -> HTML {
        let named = form.isNew ? form.fields.name : form.policy
        return """
            \(Elements.facts([
                (frame(.machines), "\(form.items.joined(separator: ", "))"),
                (frame(form.isNew ? .newPolicy : .existingPolicy), "\(named)"),
            ]))\(offer.simulation.map { SimulationTable.html($0, frame) })
            """
    }
}
