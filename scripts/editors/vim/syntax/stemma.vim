" Vim syntax of the protocol language: copy scripts/editors/vim/* to ~/.vim/.
if exists('b:current_syntax')
  finish
endif

syntax keyword stemmaDeclaration lang protocol import param let task model train seeds every log
syntax keyword stemmaDeclaration event metric run fork arm off contrast estimate fit expect table figure
syntax keyword stemmaVerb set hold once freeze release stop require capture calibrate need
syntax keyword stemmaClause sweep chain at from until after on with over by ci round steps step epoch
syntax keyword stemmaClause start each all any no
syntax keyword stemmaOperator in and or not
syntax keyword stemmaFunction median mean std iqr quantile count frac min max log exp sqrt abs
syntax keyword stemmaFunction fraction only restricted interp monotone identical arms ols bootstrap nearest

syntax match stemmaNumber '\v<\d[0-9_]*(\.\d+)?([eE][+-]?\d+)?[kM]?>'
syntax match stemmaSign '[-+*/<>=@]\|\.\.\|[<>=!*+]='
syntax match stemmaComment '#.*$'
syntax region stemmaString start='"' end='"' oneline

highlight default link stemmaDeclaration Keyword
highlight default link stemmaVerb Statement
highlight default link stemmaClause Conditional
highlight default link stemmaOperator Operator
highlight default link stemmaFunction Function
highlight default link stemmaNumber Number
highlight default link stemmaSign Operator
highlight default link stemmaString String
highlight default link stemmaComment Comment

let b:current_syntax = 'stemma'
