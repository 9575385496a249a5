/// The wizard that protects machines: what was chosen so far, which each of its pages carries on.
package struct ProtectForm: Sendable {
    package enum Step: Int, Sendable, CaseIterable {
        case machines = 1
        case policy
        case retention
        case summary
    }

    package var step = Step.machines
    package var items: [String] = []
    /// The existing policy; empty where a new one is made.
    package var policy = ""
    package var fields = PolicyForm.tutorial
    /// What is wrong with the page; nil where nothing is.
    package var problem: Word?

    package var isNew: Bool { policy.isEmpty }

    package init() {}

    package init(_ values: FormValues) {
        step = values["step"].flatMap { Int($0) }.flatMap { Step(rawValue: $0) } ?? .machines
        items = values.all("item")
        policy = values["policy"] ?? ""
        if values["policy-name"] != nil { fields = PolicyForm(values) }
    }
}
