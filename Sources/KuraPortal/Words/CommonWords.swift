/// Words of all pages.
extension Word {
    // MARK: The frame

    package static let brand = Word("蔵 Kura", "Kura")
    package static let skip = Word("本文へ移動", "Skip to the content")
    package static let vaultList = Word("Recovery Services", "Recovery Services")
    package static let dashboard = Word("ダッシュボード", "Dashboard")
    package static let quickStart = Word("クイック スタート", "Quick start")
    package static let registeredItems = Word("登録済みの項目", "Registered items")
    package static let protectedItems = Word("保護された項目", "Protected items")
    package static let jobs = Word("ジョブ", "Jobs")
    package static let policies = Word("ポリシー", "Policies")
    package static let configure = Word("構成", "Configure")
    package static let regions = Word("リージョン", "Regions")
    package static let audit = Word("監査", "Audit")
    package static let settings = Word("設定", "Settings")
    package static let mainMenu = Word("メイン メニュー", "Main menu")
    package static let vaultMenu = Word("コンテナー メニュー", "Vault menu")
    package static let language = Word("表示言語", "Language")
    package static let signOut = Word("サインアウト", "Sign out")
    package static let signedInAs = Word("サインイン中:", "Signed in as")
    package static let commandLine = Word("同じことをするコマンド", "The command line that does the same")
    package static let notices = Word("通知", "Notices")
    package static let viewJob = Word("ジョブの表示", "View job")
    package static let viewJobs = Word("ジョブの表示", "View jobs")
    package static let liveLost = Word(
        "自動更新が途切れました。再接続しています。", "Live updates are interrupted; connecting again.")
    package static func running(_ count: Int) -> Word {
        Word("実行中のジョブ: \(count)", "\(count) job\(count == 1 ? "" : "s") running")
    }

    // MARK: Tables and forms

    package static let name = Word("名前", "Name")
    package static let region = Word("リージョン", "Region")
    package static let status = Word("状態", "Status")
    package static let vault = Word("コンテナー", "Vault")
    package static let item = Word("項目", "Item")
    package static let items = Word("項目", "Items")
    package static let points = Word("復元ポイント", "Recovery points")
    package static let stored = Word("保存量", "Stored")
    package static let time = Word("日時", "Time")
    package static let actions = Word("操作", "Actions")
    package static let save = Word("保存", "Save")
    package static let next = Word("次へ", "Next")
    package static let back = Word("戻る", "Back")
    package static let finish = Word("完了", "Finish")
    package static let cancel = Word("キャンセル", "Cancel")
    package static let delete = Word("削除", "Delete")
    package static let show = Word("表示", "Show")
    package static let all = Word("すべて", "All")
    package static let none = Word("なし", "None")
    package static let choose = Word("選択", "Choose")
    package static let details = Word("詳細", "Details")
    package static let data = Word("データを表で表示", "The data as a table")

    // MARK: What went wrong

    package static let problem = Word("問題が発生しました", "Something is wrong")
    package static let notFoundTitle = Word("見つかりません", "Not found")
    package static let notFoundText = Word("このページはありません。", "There is no such page.")
    package static let deniedTitle = Word("権限がありません", "Not permitted")
    package static func denied(needs role: Word, has mine: Word?) -> Word {
        let (ja, en) = mine.map { ("（現在: \($0.ja)）", " You are \($0.en).") } ?? ("", "")
        return Word("「\(role.ja)」のロールが必要です。\(ja)", "The role \(role.en) is needed.\(en)")
    }
    package static let staleForm = Word(
        "フォームの有効期限が切れたか、別のサイトから送信されました。ページを開き直してください。",
        "This form is too old, or another site sent it. Open the page again.")
    package static let busyTitle = Word("混み合っています", "Busy")
    package static let busyText = Word("しばらくしてからもう一度お試しください。", "Try again in a moment.")
    package static let tooLarge = Word("送信された内容が大きすぎます。", "What was sent is too large.")
    package static let remedy = Word("対処", "What to do")
    package static let absences = Word("読み取れないもの", "What cannot be read")
    package static let checkFields = Word(
        "入力内容を確認してください。", "Some of what was entered cannot be taken.")
    package static let chooseSome = Word("1 つ以上選択してください。", "Choose at least one.")
}
