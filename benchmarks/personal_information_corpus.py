"""Sentences written by hand, apart from the recognisers and never used to tune them.

What is personal stands in double brackets. The identities are invented.
"""

ENGLISH = (
    "Hi, this is [[Priya Raghunathan]] from unit 4, my badge stopped working.",
    "Forward everything to [[j.kowalczyk+invoices@example.net]] please.",
    "[[Marcus Oyelaran]] signed the consent form; his wife [[Ingrid]] was present.",
    "He can be reached on [[(212) 555-0187]] after six.",
    "Ship to [[1420 Willow Creek Lane, Apt 7]] instead.",
    "DOB [[03/14/1968]], allergic to penicillin.",
    "The suspect drove off; witness [[Tom Bradshaw]] called at 22:10.",
    "Her number in Berlin is [[+49 30 901820]].",
    "SSN on file: [[219-09-9999]].",
    "Refund goes to [[4539 5787 6362 1486]].",
    "Logged in from [[198.51.100.23]] using a new laptop.",
    "IBAN [[FR14 2004 1010 0505 0001 3M02 606]] was verified.",
    "Chart of [[Eleanor Whitfield]], medical record no. [[00482913]].",
    "Ms [[Abernathy]] prefers to be contacted by mail at [[PO Box 311, Salem]].",
    "Passport no. [[X4592817]] issued in 2019.",
    "Workstation [[3c-52-82-0f-aa-19]] was re-imaged.",
    "Ask [[Wei Zhang]] about the access logs.",
    "the applicant, [[sarah connor]], withdrew",
)
CHINESE = (
    "昨天下午[[赵雅静]]来电投诉楼上装修。",
    "快递请放到[[成都市锦江区春熙路12号]]门卫处。",
    "[[李国强]]的女儿[[李梦瑶]]今年上小学。",
    "转账给尾号不对，正确卡号是[[6222 0212 0000 1234 567]]吗？账户本人[[钱文静]]。",
    "您可以打我手机[[15901234567]]，微信同号。",
    "车主是[[王建军]]，车牌号[[沪A·D2345]]。",
    "[[刘洋]]说他的身份证[[110101199003077694]]丢了。",
    "主治医师[[陈思远]]建议复查，住院号[[2024081533]]。",
    "她[[1987年6月5日]]出生，籍贯山东。",
    "投诉人留下邮箱[[zhang_min88@example.com]]。",
    "我是[[欧阳晓燕]]，住[[朝阳区建国路88号院3号楼1201室]]。",
    "传真[[021-5888 1234]]，联系人[[周先生]]。",
    "新能源车[[粤BF88888]]在停车场剐蹭。",
    "护照号码：[[EA1234567]]，有效期至2031年。",
    "服务器[[203.0.113.88]]被扫描。",
    "委托人[[买买提·艾力]]未到庭。",
)
HARMLESS_ENGLISH = (
    "The Golden Gate Bridge opened in 1937 and is 2737 metres long.",
    "Build 20261126.3 passed 14,302 tests in 00:12:41.",
    "See RFC 5322, section 3.4.1, and ISO 8601-1:2019.",
    "Total: 1,299.00 USD; invoice 2024-000-1733 is due on 12/01/2026.",
    "Grace periods and Hope valley farms were discussed by the Boston Globe.",
    "The Mary Rose is a ship; Washington State voted yesterday.",
    "Learning rate 0.00012345, batch 256, seed 1234567890.",
    "Version 10.15.7.2 is installed on all hosts.",
)
HARMLESS_CHINESE = (
    "高度重视安全生产，王牌产品销量增长百分之十二。",
    "任务编号202411260000123456已关闭。",
    "马上处理，时间为2026年11月26日10时。",
    "方案评审由质量管理部门牵头，老师们一致同意。",
    "全长36公里的地铁12号线将于明年开通。",
    "黄金周期间客流达到1234万人次，同比增长3.5%。",
    "患者应当遵医嘱服药，客户满意度持续提升。",
    "京东与苏宁发布财报，沪深300指数上涨。",
)
