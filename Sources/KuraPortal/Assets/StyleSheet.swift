enum StyleSheet {
    static var link: Link { asset.link }

    static let asset = Asset(
        "kura.css", type: "text/css; charset=utf-8",
        """
        :root { color-scheme: light dark;
          --back: light-dark(#faf8f5, #16140f); --card: light-dark(#fff, #211e18);
          --text: light-dark(#211c15, #ece6dc); --dim: light-dark(#5d564b, #b5ac9d);
          --line: light-dark(#d8d0c4, #443e34); --main: light-dark(#8a3b12, #f0a26f);
          --on-main: light-dark(#fff, #221004); --top: light-dark(#3d2313, #0d0b08);
          --good: light-dark(#1c6b35, #7fd69a); --warn: light-dark(#7a5200, #f1c15b);
          --bad: light-dark(#a3201b, #ff9a92); --busy: light-dark(#1d5691, #8fc1f5);
          --mark: light-dark(#f6ead9, #35291a); }
        * { box-sizing: border-box; }
        html { font: 100%/1.5 system-ui, "Hiragino Sans", "Noto Sans CJK JP", "IPAPGothic",
          sans-serif; }
        body { margin: 0; background: var(--back); color: var(--text); overflow-wrap: anywhere; }
        a { color: var(--main); }
        :focus-visible { outline: 3px solid var(--busy); outline-offset: 2px; }
        .skip { position: absolute; left: -100vw; }
        .skip:focus { left: 8px; top: 8px; background: var(--card); padding: 8px; z-index: 2; }
        .top { background: var(--top); color: #f5ede2; display: flex; flex-wrap: wrap;
          gap: 4px 16px; align-items: center; padding: 4px 16px; }
        .top a, .top button.plain { color: #fbe3cd; }
        .top p { margin: 0; } .brand { font-weight: 700; font-size: 1.15rem; }
        .brand a { text-decoration: none; }
        nav ul { list-style: none; display: flex; flex-wrap: wrap; margin: 0; padding: 0;
          gap: 2px; }
        nav a { display: block; padding: 8px 12px; white-space: nowrap; text-decoration: none; }
        nav a:hover { text-decoration: underline; }
        .top nav a[aria-current] { background: #fbe3cd; color: #3d2313; border-radius: 4px; }
        .who { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center;
          margin-left: auto; }
        .who .busy { background: #8fc1f5; color: #071d35; border-radius: 4px; padding: 4px 8px; }
        .languages a { padding: 8px 4px; display: inline-block; }
        .tabs { background: var(--card); border-bottom: 1px solid var(--line); display: flex;
          flex-wrap: wrap; align-items: center; padding: 0 16px; }
        .tabs p { margin: 4px 12px 4px 0; font-weight: 700; }
        .tabs a[aria-current] { box-shadow: inset 0 -3px var(--main); font-weight: 700; }
        main { max-width: 96rem; margin: 0 auto; padding: 8px 16px 48px; outline: 0; }
        h1 { font-size: 1.6rem; line-height: 1.25; margin: 12px 0; }
        h2 { font-size: 1.15rem; margin: 24px 0 8px; }
        p { margin: 8px 0; max-width: 75ch; }
        small, .hint, .dim { color: var(--dim); font-size: .875rem; }
        .card, .cli, fieldset { background: var(--card); border: 1px solid var(--line);
          border-radius: 8px; padding: 12px 16px; margin: 12px 0; }
        .tiles { display: grid; gap: 12px; padding: 0; list-style: none;
          grid-template-columns: repeat(auto-fill, minmax(min(8.5rem, 100%), 1fr)); }
        .tiles a, .tiles div { display: block; background: var(--card); padding: 8px 16px;
          border: 1px solid var(--line); border-radius: 8px; text-decoration: none;
          color: var(--text); height: 100%; }
        .tiles strong { display: block; font-size: 1.7rem; line-height: 1.2; }
        .tiles .bad strong { color: var(--bad); } .tiles .warn strong { color: var(--warn); }
        .tiles .busy strong { color: var(--busy); }
        .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
          border-radius: 8px; margin: 12px 0; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; padding: 8px 12px; border-bottom: 1px solid var(--line);
          vertical-align: top; }
        tbody tr:last-child td { border-bottom: 0; }
        th { font-size: .875rem; color: var(--dim); white-space: nowrap; }
        td { min-width: 6em; } td.number, th.number { text-align: right; white-space: nowrap; }
        td.number { min-width: 0; }
        .state { font-weight: 600; } .state.good { color: var(--good); }
        .state.warn { color: var(--warn); } .state.bad { color: var(--bad); }
        .state.busy { color: var(--busy); }
        .facts { display: grid; grid-template-columns: minmax(8em, max-content) 1fr; gap: 4px 16px;
          margin: 12px 0; }
        .facts dt { color: var(--dim); } .facts dd { margin: 0; }
        .steps { list-style: none; padding: 0; display: grid; gap: 8px; }
        .steps li { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
          padding: 8px 16px; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; }
        .steps li > :first-child { flex: 1 1 16rem; }
        .steps .next { border: 2px solid var(--main); }
        .path { display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 0; list-style: none;
          color: var(--dim); }
        .path [aria-current] { color: var(--text); font-weight: 700; }
        label, legend { font-weight: 600; } .choice label { font-weight: 400; }
        .field { margin: 12px 0; } .field > label { display: block; }
        .field .hint { margin: 2px 0; }
        .wrong { color: var(--bad); font-weight: 600; margin: 2px 0; }
        .choice { display: flex; gap: 8px; align-items: baseline; padding: 4px 0; }
        .days fieldset { margin: 4px 0; display: flex; flex-wrap: wrap; gap: 0 20px; }
        .newest { display: flex; flex-direction: row-reverse; }
        fieldset fieldset { border: 0; padding: 0; } fieldset { min-width: 0; }
        input, select, button, .button { font: inherit; min-height: 40px; border-radius: 6px; }
        input:not([type=radio], [type=checkbox]), select { width: 100%; max-width: 32rem;
          border: 1px solid var(--dim); background: var(--back); color: var(--text);
          padding: 6px 10px; }
        input[type=number] { max-width: 8rem; }
        input[type=radio], input[type=checkbox] { width: 20px; height: 20px; min-height: 0;
          flex: none; accent-color: var(--main); position: relative; top: 4px; }
        button, .button { display: inline-block; border: 1px solid var(--main); color: var(--main);
          background: var(--card); padding: 6px 16px; cursor: pointer; text-decoration: none;
          margin: 4px 8px 4px 0; }
        button.main, .button.main { background: var(--main); color: var(--on-main); }
        button.danger { border-color: var(--bad); color: var(--bad); }
        button.plain { border: 0; background: none; padding: 6px 0; margin: 0;
          text-decoration: underline; }
        button[aria-busy] { opacity: .7; }
        .bar { position: sticky; bottom: 0; background: var(--back); padding: 8px 0;
          border-top: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 0 4px;
          z-index: 1; }
        .bar form, .who form { display: contents; }
        .toast, .note { border: 1px solid; border-left-width: 6px; border-radius: 6px;
          background: var(--card); padding: 8px 16px; max-width: none; }
        .good { border-color: var(--good); } .warn { border-color: var(--warn); }
        .bad { border-color: var(--bad); } .note p { margin: 4px 0; }
        pre { overflow-x: auto; margin: 0; } code { font-family: ui-monospace, monospace; }
        .cli { margin-top: 40px; }
        .cli h2 { font-size: .875rem; color: var(--dim); margin: 0 0 4px; }
        progress { width: 8rem; max-width: 100%; height: 12px; accent-color: var(--busy); }
        svg.plot { display: block; width: 100%; height: auto; }
        .plot text { fill: var(--dim); font-size: 11px; }
        .plot .empty { fill: var(--mark); } .plot .line { stroke: var(--line); }
        .plot .daily { fill: light-dark(#e0b483, #6d4a25); }
        .plot .weekly { fill: light-dark(#c98544, #a46a2f); }
        .plot .monthly { fill: light-dark(#a3561c, #d9924f); }
        .plot .yearly { fill: light-dark(#6b2e08, #ffcf9e); }
        .plot .good { fill: var(--good); } .plot .warn { fill: var(--warn); }
        .plot .bad { fill: var(--bad); } .plot .busy { fill: var(--busy); }
        .wideplot { min-width: 720px; }
        @media (max-width: 700px) { .wide { display: none; } .top, .tabs, main { padding-left: 8px;
          padding-right: 8px; } nav a { padding: 8px; } .facts { grid-template-columns: 1fr; }
          .facts dd { margin-bottom: 8px; } th, td { padding: 8px; } }
        @media (prefers-reduced-motion: no-preference) { progress { transition: none; } }
        """)
}
