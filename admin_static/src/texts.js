// Every sentence of the page, in English and Chinese side by side.

const TEXTS = {
  skip: ["Skip to content", "跳到正文"],
  loading: ["One moment…", "请稍候…"],
  retry: ["Try again", "重试"],
  signIn: ["Sign in", "登录"],
  signOut: ["Sign out", "退出登录"],
  tag: ["Merchant admin", "商家后台"],
  headline: [
    "Sell to order. Never oversell. Keep the promised date.",
    "按单销售，绝不超卖，守住发货承诺。",
  ],
  lead: [
    "Sign in to see who you are here, which shops you may touch, and what the API lets you do. " +
      "Screens for campaigns, orders and promises are still to be built: until then everything is " +
      "done over GraphQL and on the command line.",
    "登录后可查看您的身份、可管理的店铺，以及 API 允许您执行的操作。预售活动、订单和承诺的管理界面尚在建设中，" +
      "目前请通过 GraphQL 和命令行操作。",
  ],
  openApi: ["Open the GraphQL API", "打开 GraphQL API"],
  readSchema: ["Read the schema", "阅读 Schema"],
  ready: ["Ready: the API answers.", "就绪：API 正常响应。"],
  down: [
    "Not ready: the API or one of its engines does not answer.",
    "未就绪：API 或其引擎没有响应。",
  ],
  welcome: ["Hello, {name}", "您好，{name}"],
  of: ["{role} of {merchant}", "{merchant} · {role}"],
  role_OWNER: ["Owner", "所有者"],
  role_ADMIN: ["Administrator", "管理员"],
  role_MANAGER: ["Manager", "运营"],
  role_SUPPORT: ["Support", "客服"],
  role_ANALYST: ["Analyst", "分析"],
  shops: ["Your shops", "您的店铺"],
  allShops: ["All of the merchant's, those to come included.", "商家的全部店铺，包括今后新开的。"],
  someShops: ["Those you were given.", "授权给您的店铺。"],
  noShops: ["There is no shop yet.", "还没有店铺。"],
  may: ["What you may do", "您可以执行的操作"],
  mayLead: [
    "Each field and mutation of the API names what it needs; these are yours.",
    "API 的每个字段和变更都标明所需权限，以下是您拥有的权限。",
  ],
  read: ["see", "查看"],
  write: ["change", "修改"],
  refund: ["refund", "退款"],
  noun_settings: ["Settings", "设置"],
  noun_catalog: ["Catalogue", "商品"],
  noun_campaigns: ["Campaigns", "预售活动"],
  noun_orders: ["Orders", "订单"],
  noun_analytics: ["Figures", "数据"],
  noun_customers: ["Customers", "顾客"],
  noun_members: ["Staff", "员工"],
  noun_clients: ["Applications", "应用"],
  noun_webhooks: ["Webhooks", "Webhook"],
  noun_audit: ["Audit log", "审计日志"],
  where: ["Where to do it", "操作入口"],
  graphiql: ["GraphiQL", "GraphiQL"],
  graphiqlLead: [
    "Try queries in the browser. Copy a header, and paste it under “Headers” there. Its page loads " +
      "its scripts from unpkg.com.",
    "在浏览器中试用查询。复制请求头，粘贴到其“Headers”栏。该页面会从 unpkg.com 加载脚本。",
  ],
  copyHeader: ["Copy a header", "复制请求头"],
  copied: [
    "Copied. It is as good as your password for ten minutes: keep it to yourself.",
    "已复制，十分钟内有效。请像保管密码一样妥善保管。",
  ],
  notCopied: ["The browser did not let us copy.", "浏览器不允许复制。"],
  schemaLead: [
    "Every type, field and mutation, each with the permission that it needs.",
    "全部类型、字段和变更，均标明所需权限。",
  ],
  account: ["Your account", "我的账号"],
  accountLead: [
    "Password, second step at sign-in, and where you are signed in.",
    "密码、两步验证和已登录的设备。",
  ],
  applications: ["Applications you let in", "已授权的应用"],
  applicationsLead: ["See what they may do, and end it.", "查看其权限，或撤销授权。"],
  error_unavailable: [
    "The server does not answer right now. Please try again in a moment.",
    "服务器暂时没有响应，请稍后重试。",
  ],
  error_insecure: [
    "Signing in needs https, or an address of this machine.",
    "登录需要使用 https，或在本机地址访问。",
  ],
  error_access_denied: [
    "You belong to no merchant's staff here, or said no. Ask an owner for an invitation.",
    "您不属于任何商家的员工，或拒绝了授权。请联系所有者发送邀请。",
  ],
  error_other: [
    "Signing in did not work. Please start again.",
    "登录未成功，请重新登录。",
  ],
  signedOut: ["You are signed out.", "您已退出登录。"],
};

const LANGUAGES = ["en", "zh-CN"];
const KEPT = "presale.language";

export let language = first();

function first() {
  const kept = localStorage.getItem(KEPT);
  if (LANGUAGES.includes(kept)) return kept;
  return (navigator.language ?? "").toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export function choose(tag) {
  language = tag;
  localStorage.setItem(KEPT, tag);
}

export function say(key, values = {}) {
  const text = TEXTS[key][LANGUAGES.indexOf(language)];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function has(key) {
  return key in TEXTS;
}
