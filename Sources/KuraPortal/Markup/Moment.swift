internal import KuraPolicy

/// An instant on a page: in UTC, and in the time of the reader's browser where that runs scripts.
enum Moment {
    /// "2026-11-30 16:03 UTC".
    static func html(_ nanoseconds: Int64) -> HTML {
        let (date, second) = PolicyZone.utc.local(at: nanoseconds)
        let time = "\(Figures.two(second / 3600)):\(Figures.two(second / 60 % 60))"
        let seconds = Figures.two(second % 60)
        return """
            <time datetime="\(date.description)T\(time):\(seconds)Z">\(date.description) \(time) \
            UTC</time>
            """
    }

    static func html(_ nanoseconds: Int64?) -> HTML { nanoseconds.map { html($0) } ?? "–" }

    /// "2026-11-30".
    static func day(_ nanoseconds: Int64) -> String {
        PolicyZone.utc.date(at: nanoseconds).description
    }
}
