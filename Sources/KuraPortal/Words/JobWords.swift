/// Words of pages about jobs, the audit and accounts.
extension Word {
    package static let operation = Word("操作", "Operation")
    package static let started = Word("開始", "Started")
    package static let ended = Word("終了", "Ended")
    package static let duration = Word("所要時間", "Duration")
    package static let progress = Word("進行状況", "Progress")
    package static let filter = Word("絞り込み", "Filter")
    package static let noJobs = Word("該当するジョブはありません。", "No job matches.")
    package static let cancelJob = Word("ジョブの取り消し", "Cancel the job")
    package static let cancelAsked = Word(
        "取り消しを依頼しました。保存済みのデータは残ります。",
        "The job was asked to end. What it stored so far stays.")
    package static let subTasks = Word("サブタスク", "Sub-tasks")
    package static let warnings = Word("警告", "Warnings")
    package static let error = Word("エラー", "Error")
    package static let output = Word("フックの出力", "Output of hooks")
    package static let process = Word("プロセス", "Process")
    package static func job(_ id: String) -> Word { Word("ジョブ \(id)", "Job \(id)") }

    package static func operation(_ operation: String) -> Word {
        switch operation {
        case "Discover": Word("検出", "Discover")
        case "Register": Word("登録", "Register")
        case "Unregister": Word("登録解除", "Unregister")
        case "ConfigureProtection": Word("保護の構成", "Configure protection")
        case "Backup": Word("バックアップ", "Backup")
        case "Restore": Word("復元", "Restore")
        case "Verify": Word("検証", "Verify")
        case "Repair": Word("修復", "Repair")
        case "Replicate": Word("レプリケート", "Replicate")
        case "StopProtection": Word("保護の停止", "Stop protection")
        case "DeleteBackupData": Word("バックアップ データの削除", "Delete backup data")
        case "Undelete": Word("削除の取り消し", "Undelete")
        case "Prune": Word("整理", "Prune")
        case "Drill": Word("訓練", "Drill")
        case "Failover": Word("フェールオーバー", "Failover")
        case "Failback": Word("フェールバック", "Failback")
        case "ChangeRedundancy": Word("冗長性の変更", "Change redundancy")
        default: Word(operation, operation)
        }
    }

    package static func jobStatus(_ status: String) -> Word {
        switch status {
        case "InProgress": Word("進行中", "In progress")
        case "Completed": Word("完了", "Completed")
        case "CompletedWithWarnings": Word("完了 (警告あり)", "Completed with warnings")
        case "Failed": Word("失敗", "Failed")
        case "Cancelling": Word("取り消し中", "Cancelling")
        case "Cancelled": Word("取り消し済み", "Cancelled")
        case "NotStarted": Word("未開始", "Not started")
        case "Skipped": Word("スキップ", "Skipped")
        default: Word(status, status)
        }
    }

    package static func task(_ name: String) -> Word {
        switch name {
        case "Take snapshot": Word("スナップショットの取得", name)
        case "Transfer data to vault": Word("コンテナーへのデータ転送", name)
        case "Transfer data from vault": Word("コンテナーからのデータ転送", name)
        case "Replicate": Word("レプリケート", name)
        case "Check agent": Word("エージェントの確認", name)
        case "Register": Word("登録", name)
        case "Stop protection": Word("保護の停止", name)
        case "Delete backup data": Word("バックアップ データの削除", name)
        default: Word(name, name)
        }
    }

    // MARK: Audit

    package static let who = Word("実行者", "Who")
    package static let what = Word("内容", "What")
    package static let note = Word("メモ", "Note")
    package static let from = Word("接続元", "From")
    package static let result = Word("結果", "Result")
    package static let vaultJournal = Word("コンテナーの監査ジャーナル", "Audit journals of the vaults")
    package static let serverCalls = Word("サーバーへの書き込みと拒否", "Writes and denials of this server")
    package static let nothingRecorded = Word("記録はありません。", "Nothing is recorded.")

    // MARK: Accounts

    package static let signIn = Word("サインイン", "Sign in")
    package static let account = Word("アカウント", "Account")
    package static let password = Word("パスワード", "Password")
    package static let passwordHint = Word("12 文字以上", "12 characters at least")
    package static let wrongPassword = Word(
        "アカウントまたはパスワードが違います。", "The account or the password is wrong.")
    package static let tooManyTries = Word(
        "失敗が続きました。1 分後にもう一度お試しください。", "Too many tries. Wait a minute.")
    package static let firstAccount = Word("最初のアカウントの作成", "Make the first account")
    package static let firstAccountText = Word(
        "このサーバーの所有者になるアカウントを作成します。", "It becomes the owner of this server.")
    package static let needsLink = Word(
        "まだアカウントがありません。サーバーの起動時に表示されたリンクを開いてください。",
        "There is no account yet. Open the link that the server printed when it started.")
    package static let role = Word("ロール", "Role")
    package static let accounts = Word("アカウント", "Accounts")
    package static let addAccount = Word("アカウントの追加", "Add an account")
    package static let sessions = Word("セッション", "Sessions")
    package static let endSession = Word("終了", "End")
    package static let thisSession = Word("このセッション", "This session")
    package static let lastSeen = Word("最終アクセス", "Last seen")
    package static let restoreTargets = Word("復元先", "Restore targets")
    package static let addTarget = Word("復元先の追加", "Add a restore target")
    package static let targetsHint = Word(
        "復元は、ここにあるフォルダーの中だけに書き込みます。",
        "Restores write below these folders only.")
    package static let folder = Word("フォルダー（絶対パス）", "Folder (absolute path)")
    package static let inventory = Word("仮想マシンのフォルダー", "Folder of virtual machines")
    package static let inventoryHint = Word(
        "リージョン/クラウド サービス/仮想マシン のフォルダーがある場所です。",
        "Where the folders REGION/CLOUD-SERVICE/VM are.")
    package static let saved = Word("保存しました。", "Saved.")
    package static let deleted = Word("削除しました。", "Deleted.")
    package static let lastOwner = Word("最後の所有者は削除できません。", "The last owner cannot be deleted.")
    package static let scheduler = Word("スケジューラー", "Scheduler")
    package static let schedulerHere = Word("このサーバーが実行しています。", "This server runs the schedule.")
    package static let schedulerElsewhere = Word(
        "別のプロセスが実行しています。", "Another process runs the schedule.")
    package static let schedulerOff = Word(
        "このサーバーでは実行しません。", "This server does not run the schedule.")
    package static let home = Word("ホーム", "Home")
    package static let server = Word("サーバー", "Server")

    package static let reader = Word("閲覧者", "Reader")
    package static let operatorRole = Word("オペレーター", "Operator")
    package static let contributor = Word("共同作成者", "Contributor")
    package static let owner = Word("所有者", "Owner")
    package static let mayRead = Word("表示のみ", "Sees everything")
    package static let mayOperate = Word(
        "検出、登録、保護、バックアップ、復元", "Also discovers, registers, protects, backs up and restores")
    package static let mayContribute = Word(
        "さらにコンテナーとポリシーの作成、保護の停止、データの削除",
        "Also makes vaults and policies, stops protection and deletes backup data")
    package static let mayOwn = Word(
        "さらにアカウント、復元先、監査、設定", "Also has accounts, restore targets, the audit and settings")
}
