import KuraPortal
import Testing

@Suite("Pages of the portal")
struct PageTests {
    private static let hostile = "<script>alert(1)</script>\"'&amp;\u{202e}\n"

    @Test("A name with markup in it shows as that name on every page, in both languages")
    func escapes() {
        for language in Language.allCases {
            for page in Samples(Self.hostile, language: language).pages {
                let markup = Markup(page.html.text)
                #expect(markup.faults == [], "\(page.name)")
                #expect(markup.tags.count { $0.name == "script" } == 1, "\(page.name)")
                #expect(!page.html.text.contains("\u{202e}"), "\(page.name)")
                #expect(page.html.text.contains("&lt;script&gt;alert(1)"), "\(page.name)")
            }
        }
    }

    @Test("Every page is well-formed for every role, each id once, each label with its control")
    func wellFormed() {
        for role in Role.allCases {
            for page in Samples("web-1", role: role).pages {
                #expect(Markup(page.html.text).faults == [], "\(page.name) for a \(role)")
            }
        }
    }

    @Test("A reader is offered no form that changes something, but the sign-out")
    func readerChangesNothing() {
        let page = Samples("web-1", role: .reader)
        let offered = page.pages.filter { !["sign in", "first", "new vault"].contains($0.name) }
            .filter { !$0.name.hasPrefix("protect ") }
        for page in offered {
            let buttons = Markup(page.html.text).tags.filter {
                $0.name == "form" && $0.attributes["method"] == "post"
            }
            let actions = Set(buttons.compactMap { $0.attributes["action"] })
            let harmless = ["/sign-out", "/settings/sessions/end"]
            // A form without a button does nothing; these pages show what is set.
            let silent = actions.filter { action in
                ["/configure", "/register", "/restore"].contains { action.hasSuffix($0) }
                    || action.contains("polic")
            }
            #expect(actions.subtracting(harmless).subtracting(silent) == [], "\(page.name)")
        }
    }

    @Test("Every page but those before the sign-in shows a command line that does the same")
    func commandLines() {
        for page in Samples("web-1").pages {
            let isBefore = ["sign in", "first", "error", "denied"].contains(page.name)
            #expect(page.html.text.contains("<aside class=\"cli\"") != isBefore, "\(page.name)")
        }
    }

    @Test("The wizard carries what was chosen from each of its pages to the next")
    func wizardCarries() {
        let samples = Samples("web-1")
        for step in ProtectForm.Step.allCases where step != .machines {
            let sent = FormValues(
                Markup(samples.protect(step, isNew: true).text).tags
                    .filter { $0.name == "input" && $0.attributes["type"] == "hidden" }
                    .map { ($0.attributes["name"] ?? "", $0.attributes["value"] ?? "") })
            let form = ProtectForm(sent)
            #expect(form.step == step)
            #expect(form.items == ["web-1"])
        }
    }

    @Test("Style and script stay small, and name no other server")
    func budgets() {
        for asset in Asset.all {
            #expect(asset.content.utf8.count < (asset.name == "kura.css" ? 12 << 10 : 8 << 10))
            let foreign = asset.content.replacing("http://www.w3.org/2000/svg", with: "")
            #expect(!foreign.contains("://"))
        }
    }
}
