/// Words of pages about virtual machines.
extension Word {
    package static let machine = Word("仮想マシン", "Virtual machine")
    package static let machines = Word("仮想マシン", "Virtual machines")
    package static let kind = Word("種類", "Type")
    package static let cloudService = Word("クラウド サービス", "Cloud service")
    package static let discover = Word("検出", "Discover")
    package static let register = Word("登録", "Register")
    package static let registerItems = Word("項目の登録", "Register items")
    package static let unregister = Word("登録解除", "Unregister")
    package static let protect = Word("保護", "Protect")
    package static let protectItems = Word("項目の保護", "Protect items")
    package static let backUpNow = Word("今すぐバックアップ", "Back up now")
    package static let stopProtection = Word("保護の停止", "Stop protection")
    package static let resumeProtection = Word("保護の再開", "Resume protection")
    package static let undelete = Word("削除の取り消し", "Undelete")
    package static let restore = Word("復元", "Restore")
    package static let disks = Word("ディスク", "Disks")
    package static let size = Word("サイズ", "Size")
    package static let protectedBy = Word("ポリシー", "Policy")
    package static let lastBackup = Word("前回のバックアップ", "Last backup")
    package static let nextRun = Word("次回の実行", "Next run")
    package static let protectionStatus = Word("保護の状態", "Protection status")
    package static let gone = Word("検出されなくなりました", "Gone")
    package static let noInventory = Word(
        "仮想マシンを探すフォルダーが設定されていません。",
        "The folder in which virtual machines are looked for is not set.")
    package static let setInventory = Word("フォルダーを設定", "Set the folder")
    package static let noMachines = Word(
        "仮想マシンはまだ検出されていません。［検出］を実行してください。",
        "No virtual machine was discovered yet. Run Discover.")
    package static let noneToRegister = Word(
        "登録できる仮想マシンはありません。", "There is no virtual machine to register.")
    package static let noneToProtect = Word(
        "登録済みで保護されていない仮想マシンはありません。",
        "There is no virtual machine that is registered and not protected.")
    package static let noneProtected = Word(
        "保護された項目はまだありません。", "No item is protected yet.")
    package static let sameNames = Word(
        "同じ名前の仮想マシンが 2 つ以上ある場合は、クラウド サービスで区別してください。一度に複数の仮想マシンを登録できます。",
        "Where several machines have one name, their cloud services tell them apart. Several can "
            + "be registered at once.")
    package static func discoveredNow(found: Int, new: Int, gone: Int) -> Word {
        Word(
            "検出が完了しました: \(found) 台（新規 \(new)、消失 \(gone)）",
            "Discovery is done: \(found) machine\(found == 1 ? "" : "s"), \(new) new, \(gone) gone")
    }
    package static func registered(_ name: String) -> Word {
        Word("\(name) を登録しました。", "\(name) was registered.")
    }
    package static func unregistered(_ name: String) -> Word {
        Word("\(name) の登録を解除しました。", "\(name) was unregistered.")
    }
    package static func protected(_ name: String) -> Word {
        Word("\(name) の保護を構成しました。", "Protection of \(name) was configured.")
    }
    package static func stopped(_ name: String) -> Word {
        Word("\(name) の保護を停止しました。", "Protection of \(name) was stopped.")
    }
    package static func broughtBack(_ name: String) -> Word {
        Word("\(name) のバックアップ データを元に戻しました。", "The backup data of \(name) was brought back.")
    }
    package static func backupStarted(_ name: String) -> Word {
        Word("\(name) のバックアップを開始しました。", "The backup of \(name) has started.")
    }
    package static func restoreStarted(_ name: String) -> Word {
        Word("\(name) の復元を開始しました。", "The restore of \(name) has started.")
    }
    package static func failed(_ name: String, _ message: String) -> Word {
        Word("\(name): \(message)", "\(name): \(message)")
    }

    // MARK: Status, in the words of the tutorial

    package static func status(_ status: String) -> Word {
        switch status {
        case "Not registered": Word("未登録", status)
        case "Not supported": Word("サポートされていません", status)
        case "Registered": Word("登録済み", status)
        case "Protected (initial backup pending)":
            Word("保護済み (初回のバックアップが保留中)", status)
        case "Protected": Word("保護済み", status)
        case "Protection stopped": Word("保護の停止", status)
        case "Soft deleted": Word("論理的に削除済み", status)
        default: Word(status, status)
        }
    }

    // MARK: Agents

    package static let agents = Word("エージェント", "Agents")
    package static let agentExplained = Word(
        "バックアップ拡張機能を動作させるには、VM エージェントが必要です。Windows では 2.6.1198.718 以上が必要です。",
        "The backup extension needs the VM agent in each machine; on Windows 2.6.1198.718 or later."
    )
    package static let system = Word("OS", "OS")
    package static let version = Word("バージョン", "Version")
    package static let backupExtension = Word("バックアップ拡張機能", "Backup extension")
    package static let installed = Word("インストール済み", "Installed")
    package static let notInstalled = Word("未インストール", "Not installed")
    package static let agentReady = Word("準備完了", "Ready")
    package static let agentOff = Word(
        "停止中: クラッシュ整合性", "Machine is off: crash-consistent")
    package static let agentAbsent = Word("エージェントなし", "No agent")
    package static let agentOld = Word("バージョンが古い", "Too old")
    package static let agentUpdating = Word("更新中: バックアップは待機します", "Being updated: backups wait")
    package static let recheck = Word("もう一度確認", "Check again")

    // MARK: Stopping

    package static let stopRetain = Word("バックアップ データを保持する", "Keep the backup data")
    package static let stopPerPolicy = Word(
        "ポリシーに従って削除する（最新を除く）", "Drop it as the policy says, except the newest")
    package static let stopDelete = Word(
        "バックアップ データを削除する（14 日間は元に戻せます）", "Delete the backup data (14 days to bring it back)")
    package static let typeName = Word("確認のため、項目の名前を入力してください", "Type the item's name to confirm")
    package static let wrongName = Word("名前が一致しません。", "That is not the item's name.")
    package static let comment = Word("理由", "Why")
    package static let deletedUntil = Word("元に戻せる期限", "Can be brought back until")

    // MARK: Points

    package static let calendar = Word("復元ポイントのカレンダー", "Calendar of recovery points")
    package static let noPoints = Word("復元ポイントはまだありません。", "There is no recovery point yet.")
    package static let consistency = Word("整合性", "Consistency")
    package static let expires = Word("保持期限", "Kept until")
    package static let kept = Word("保持の種類", "Kept as")
    package static let recentJobs = Word("最近のジョブ", "Recent jobs")
    package static let application = Word("アプリケーション整合性", "Application-consistent")
    package static let fileSystem = Word("ファイル システム整合性", "File-system-consistent")
    package static let crash = Word("クラッシュ整合性", "Crash-consistent")
    package static let retainUntil = Word("保持期限の日付（省略可）", "Keep until (optional)")
    package static let retainHint = Word(
        "省略すると、ポリシーのとおりに保持します。", "Left empty, the policy says how long.")
    package static let copiesHere = Word("コピー", "Copies")

    // MARK: Restore

    package static let point = Word("復元ポイント", "Recovery point")
    package static let newest = Word("最新", "Newest")
    package static let target = Word("復元先", "Restore target")
    package static let newName = Word("復元する仮想マシンの名前", "Name of the restored machine")
    package static let newNameHint = Word(
        "復元先にこの名前のフォルダーを作ります。既存のファイルは上書きしません。",
        "A folder of this name is made in the target. Nothing is overwritten.")
    package static let startRestore = Word("復元の開始", "Start the restore")
    package static let noTargets = Word(
        "復元先がありません。所有者が［設定］で追加できます。",
        "There is no restore target. An owner can add one in Settings.")
    package static let diskChoice = Word("復元するディスク", "Disks to restore")
    package static let systemDisk = Word("システム ディスク", "System disk")
    package static func lun(_ number: Int) -> Word {
        Word("データ ディスク \(number)", "Data disk \(number)")
    }
}
