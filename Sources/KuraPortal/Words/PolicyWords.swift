package import KuraPolicy

/// Words of pages about policies.
extension Word {
    package static let policy = Word("ポリシー", "Policy")
    package static let newPolicy = Word("新しいポリシー", "New policy")
    package static let existingPolicy = Word("既存のポリシー", "Existing policy")
    package static let configureProtection = Word("保護の構成", "Configure protection")
    package static let retention = Word("リテンション期間", "Retention")
    package static let summary = Word("確認", "Summary")
    package static let frequency = Word("バックアップの頻度", "Backup frequency")
    package static let daily = Word("毎日", "Daily")
    package static let weekly = Word("毎週", "Weekly")
    package static let times = Word("時刻", "Times")
    package static let timesHint = Word(
        "例: 23:00。複数は空白で区切ります。", "Such as 23:00; several with blanks between.")
    package static let timeZone = Word("タイム ゾーン", "Time zone")
    package static let timeZoneHint = Word("例: Asia/Tokyo または UTC", "Such as Asia/Tokyo, or UTC.")
    package static let backupDays = Word("バックアップする曜日（毎週の場合）", "Days of backups (weekly only)")
    package static let policyNameHint = Word(
        "3 ～ 150 文字。アルファベット、数字、- _ ! が使え、先頭はアルファベットです。",
        "3 to 150 letters, digits and - _ !, a letter first.")
    package static let dailyRetention = Word("日ごとの保持", "Daily retention")
    package static let weeklyRetention = Word("週ごとの保持", "Weekly retention")
    package static let monthlyRetention = Word("月ごとの保持", "Monthly retention")
    package static let yearlyRetention = Word("年ごとの保持", "Yearly retention")
    package static let keepFor = Word("保持する期間", "Keep for")
    package static let weekOfMonth = Word("月の第何週", "Week of the month")
    package static let weekday = Word("曜日", "Weekday")
    package static let month = Word("月", "Month")
    package static let locked = Word(
        "既存のポリシーを選択したため、保持期間オプションは変更できません。",
        "An existing policy is chosen, so its retention cannot be changed here.")
    package static let simulation = Word("この方針で残る復元ポイント", "What this policy leaves")
    package static let simulate = Word("再計算", "Calculate again")
    package static let after = Word("経過", "After")
    package static let total = Word("合計", "Total")
    package static let oldest = Word("最も古いもの", "Oldest")
    package static let made = Word("作成された数", "Made")
    package static let impact = Word("変更の影響を確認", "See what it changes")
    package static let nothingGoes = Word(
        "削除される復元ポイントはありません。", "No recovery point goes because of it.")
    package static func going(_ count: Int, of item: String) -> Word {
        Word(
            "\(item): 次回の整理で \(count) 個の復元ポイントが削除されます。",
            "\(item): \(count) recovery point\(count == 1 ? "" : "s") will go at the next prune.")
    }
    package static func policySaved(_ name: String) -> Word {
        Word("ポリシー \(name) を保存しました。", "Policy \(name) was saved.")
    }
    package static func policyDeleted(_ name: String) -> Word {
        Word("ポリシー \(name) を削除しました。", "Policy \(name) was deleted.")
    }
    package static func years(_ count: Int) -> Word {
        Word("\(count) 年", "\(count) year\(count == 1 ? "" : "s")")
    }
    package static let rules = Word("規則", "Rules")
    package static let changePolicy = Word("ポリシーの変更", "Change policy")

    package static func tier(_ tier: Tier) -> Word {
        switch tier {
        case .daily: Word("日", "daily")
        case .weekly: Word("週", "weekly")
        case .monthly: Word("月", "monthly")
        case .yearly: Word("年", "yearly")
        }
    }

    /// "30 days".
    package static func period(_ tier: Tier, _ count: Int) -> Word {
        let many = count == 1 ? "" : "s"
        return switch tier {
        case .daily: Word("\(count) 日", "\(count) day\(many)")
        case .weekly: Word("\(count) 週", "\(count) week\(many)")
        case .monthly: Word("\(count) か月", "\(count) month\(many)")
        case .yearly: Word("\(count) 年", "\(count) year\(many)")
        }
    }

    package static func unit(_ tier: Tier) -> Word {
        switch tier {
        case .daily: Word("日間", "days")
        case .weekly: Word("週間", "weeks")
        case .monthly: Word("か月間", "months")
        case .yearly: Word("年間", "years")
        }
    }

    package static func day(_ day: Weekday) -> Word {
        switch day {
        case .sunday: Word("日曜日", "Sunday")
        case .monday: Word("月曜日", "Monday")
        case .tuesday: Word("火曜日", "Tuesday")
        case .wednesday: Word("水曜日", "Wednesday")
        case .thursday: Word("木曜日", "Thursday")
        case .friday: Word("金曜日", "Friday")
        case .saturday: Word("土曜日", "Saturday")
        }
    }

    package static func week(_ week: WeekOfMonth) -> Word {
        switch week {
        case .first: Word("最初", "First")
        case .second: Word("2 番目", "Second")
        case .third: Word("3 番目", "Third")
        case .fourth: Word("4 番目", "Fourth")
        case .last: Word("最後", "Last")
        }
    }

    package static func month(_ month: Month) -> Word {
        Word(
            "\(month.number) 月", month.rawValue.prefix(1).uppercased() + month.rawValue.dropFirst())
    }
}
